#include "scenarios/language/assemble_job_topic.h"

#include <memory>

#include "scenarios/language/job_topic_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/transaction_rules.h"

namespace freshet {

TopicSink* BuildTopicSink(const std::string& job, const v1::StreamOperator& step, Simulation& sim,
                          Pipeline* pipeline) {
  const v1::StreamTopic& text = step.topic();
  TopicSink::Config config;
  config.partitions = pipeline->log->PartitionsOf(text.name());
  if (IsExactlyOnce(step)) config.coordinator = pipeline->transactions.get();
  config.transactional_id_prefix = TopicSinkName(job, step);
  config.transaction_timeout = DurationOf(text.transaction_timeout());
  config.linger = DurationOf(text.linger());
  config.batch_size = BytesOf(text.batch_size());
  config.retry_backoff = DurationOf(text.retry_backoff());
  config.delivery_timeout = DurationOf(text.delivery_timeout());
  if (!text.record_size().empty()) config.record_size = BytesOf(text.record_size());
  pipeline->topic_sinks.push_back(std::make_unique<TopicSink>(
      sim, TopicSinkName(job, step), pipeline->network.get(), pipeline->log.get(), config));
  return pipeline->topic_sinks.back().get();
}

}  // namespace freshet
