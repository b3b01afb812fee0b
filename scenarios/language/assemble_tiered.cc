#include "scenarios/language/assemble_tiered.h"

#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/quantity.h"

namespace freshet {

std::optional<RemoteLogManager::Config> RemoteLogOf(const v1::Kafka& kafka) {
  if (!kafka.has_remote_log_storage()) return std::nullopt;
  const v1::RemoteLogStorage& text = kafka.remote_log_storage();
  RemoteLogManager::Config config;
  config.task_interval = DurationOf(text.task_interval());
  config.copier_threads = text.copier_threads();
  config.expiration_threads = text.expiration_threads();
  if (!text.copy_max_rate().empty()) config.copy_quota = BytesPerSecondOf(text.copy_max_rate());
  config.fetch_max_wait = DurationOf(text.fetch_max_wait());
  config.part_size = BytesOf(text.part_size());
  config.metadata_latency = SamplerOf(text.metadata_latency());
  config.object_client = ObjectClient::Defaults(kafka.vcpus());
  RemoteLogReader::Config& reader = config.reader;
  reader.threads = text.reader_threads();
  reader.most_pending = text.reader_max_pending();
  if (!text.fetch_max_rate().empty()) reader.quota = BytesPerSecondOf(text.fetch_max_rate());
  reader.index_cache = BytesOf(text.index_cache());
  reader.chunk = BytesOf(text.chunk_size());
  reader.chunk_cache = BytesOf(text.chunk_cache());
  reader.chunks_on_disk = text.chunk_cache_class() == v1::RemoteLogStorage::DISK;
  reader.prefetch = BytesOf(text.prefetch());
  return config;
}

std::optional<Retention> LocalRetentionOf(const v1::Topic& text) {
  if (!text.remote_storage()) return std::nullopt;
  // -2, the default of both: as the total.
  Retention local;
  local.time =
      DurationOf(text.local_retention().empty() ? text.retention() : text.local_retention());
  const std::string& bytes =
      text.local_retention_bytes().empty() ? text.retention_bytes() : text.local_retention_bytes();
  if (!bytes.empty()) local.bytes = BytesOf(bytes);
  return local;
}

}  // namespace freshet
