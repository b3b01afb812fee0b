// The only file that includes Boost.Graph: its headers take seconds to compile.
#include "scenarios/language/topology.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/strong_components.hpp>
#include <deque>
#include <map>

#include "absl/strings/str_cat.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Scenario;
namespace {

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

Graph GraphOf(const Flow& flow) {
  Graph graph(flow.nodes.size());
  for (const auto& [from, to] : flow.edges) boost::add_edge(from, to, graph);
  return graph;
}

// The shortest walk from `start` back to itself within one strong component.
std::vector<int> Loop(const Graph& graph, const std::vector<int>& component, int start) {
  std::map<int, int> came_from;
  std::deque<int> waiting = {start};
  while (!waiting.empty()) {
    const int at = waiting.front();
    waiting.pop_front();
    for (const auto edge : boost::make_iterator_range(boost::out_edges(at, graph))) {
      const int next = static_cast<int>(boost::target(edge, graph));
      if (component[next] != component[start]) continue;
      if (next == start) {
        std::vector<int> loop;
        for (int node = at; node != start; node = came_from[node]) loop.push_back(node);
        loop.push_back(start);
        std::reverse(loop.begin(), loop.end());
        return loop;
      }
      if (came_from.emplace(next, at).second) waiting.push_back(next);
    }
  }
  return {};
}

}  // namespace

Flow FlowOf(const Scenario& scenario, const Places& places) {
  Flow flow;
  std::map<std::string, int> topics;
  for (int i = 0; i < scenario.topic_size(); ++i) {
    const std::string& name = scenario.topic(i).name();
    if (!topics.emplace(name, static_cast<int>(flow.nodes.size())).second) continue;
    flow.nodes.push_back({name, false, false, true, places.In("topic", i).place});
  }
  // Dead letters; those that would come back are told elsewhere.
  const auto add_letters = [&](int node, const v1::Reading& reading, int read) {
    const auto letters = topics.find(reading.dead_letter_topic());
    if (letters != topics.end() && letters->second != read) {
      flow.edges.emplace_back(node, letters->second);
    }
  };
  for (int i = 0; i < scenario.component_size(); ++i) {
    const Component& component = scenario.component(i);
    const Place place = places.In("component", i).place;
    const int node = static_cast<int>(flow.nodes.size());
    if (component.has_producers()) {
      flow.nodes.push_back({component.name(), true, false, false, place});
      const auto topic = topics.find(component.producers().topic());
      if (topic != topics.end()) flow.edges.emplace_back(node, topic->second);
    } else if (component.has_consumers()) {
      const auto topic = topics.find(component.consumers().reads());
      // A reader of a topic that does not exist is a dangling reference, told elsewhere.
      if (topic == topics.end()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      flow.edges.emplace_back(topic->second, node);
      add_letters(node, component.consumers().reading(), topic->second);
    } else if (component.has_connect()) {
      const auto topic = topics.find(component.connect().reads());
      if (topic == topics.end()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      flow.edges.emplace_back(topic->second, node);
      const auto letters = topics.find(component.connect().dead_letter_topic());
      if (letters != topics.end()) flow.edges.emplace_back(node, letters->second);
    } else if (component.has_mirror()) {
      const auto from = topics.find(component.mirror().reads());
      const auto to = topics.find(component.mirror().writes());
      if (from == topics.end() || to == topics.end()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      flow.edges.emplace_back(from->second, node);
      flow.edges.emplace_back(node, to->second);
    } else if (component.has_batch_lane()) {
      const auto topic = topics.find(component.batch_lane().reads());
      if (topic == topics.end()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      flow.edges.emplace_back(topic->second, node);
    } else if (component.has_stream_job()) {
      std::vector<int> sources;
      for (const v1::StreamOperator& each : component.stream_job().step()) {
        const auto topic = topics.find(each.source().reads());
        if (each.has_source() && topic != topics.end()) sources.push_back(topic->second);
      }
      if (sources.empty()) continue;  // Told elsewhere.
      flow.nodes.push_back({component.name(), false, true, false, place});
      for (const int source : sources) flow.edges.emplace_back(source, node);
      for (const v1::StreamOperator& each : component.stream_job().step()) {
        const auto source = topics.find(each.source().reads());
        if (source != topics.end()) add_letters(node, each.source().reading(), source->second);
        const auto written = topics.find(each.topic().name());
        if (each.has_topic() && written != topics.end()) {
          flow.edges.emplace_back(node, written->second);
        }
      }
    } else if (component.has_streams_app() && component.streams_app().step_size() > 0) {
      const v1::StreamsApp& app = component.streams_app();
      const auto topic = topics.find(app.step(0).source().reads());
      if (topic == topics.end()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      flow.edges.emplace_back(topic->second, node);
      const auto results = topics.find(app.step(app.step_size() - 1).to_topic().name());
      if (results != topics.end()) flow.edges.emplace_back(node, results->second);
    } else if (component.has_spark_query() && component.spark_query().step_size() > 0) {
      const auto topic = topics.find(component.spark_query().step(0).source().reads());
      if (topic == topics.end()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      flow.edges.emplace_back(topic->second, node);
    } else if (component.has_lakehouse_table()) {
      std::vector<int> writers;
      for (const v1::Topic& topic : scenario.topic()) {
        if (topic.table_topic().table() == component.name()) {
          writers.push_back(topics.at(topic.name()));
        }
      }
      // A table that nobody writes is told elsewhere.
      if (writers.empty()) continue;
      flow.nodes.push_back({component.name(), false, true, false, place});
      for (const int writer : writers) flow.edges.emplace_back(writer, node);
    }
  }
  // Producers that are moved may write a topic of their own there.
  for (int i = 0; i < scenario.operation_size(); ++i) {
    const v1::Operation::Cutover& cutover = scenario.operation(i).cutover();
    const auto topic = topics.find(cutover.producers_write());
    if (cutover.producers_write().empty() || topic == topics.end()) continue;
    const int node = static_cast<int>(flow.nodes.size());
    flow.nodes.push_back(
        {cutover.mirror() + ".cutover", true, false, false, places.In("operation", i).place});
    flow.edges.emplace_back(node, topic->second);
  }
  return flow;
}

std::vector<std::vector<int>> Cycles(const Flow& flow) {
  const Graph graph = GraphOf(flow);
  std::vector<int> component(flow.nodes.size());
  if (!flow.nodes.empty()) {
    boost::strong_components(graph, boost::make_iterator_property_map(
                                        component.begin(), boost::get(boost::vertex_index, graph)));
  }
  std::vector<std::vector<int>> cycles;
  std::vector<bool> told(flow.nodes.size());
  for (size_t node = 0; node < flow.nodes.size(); ++node) {
    if (told[component[node]]) continue;
    told[component[node]] = true;
    std::vector<int> loop = Loop(graph, component, static_cast<int>(node));
    if (!loop.empty()) cycles.push_back(std::move(loop));
  }
  return cycles;
}

std::vector<int> Unreachable(const Flow& flow) {
  const Graph graph = GraphOf(flow);
  std::vector<boost::default_color_type> colors(flow.nodes.size());
  const auto map =
      boost::make_iterator_property_map(colors.begin(), boost::get(boost::vertex_index, graph));
  for (size_t node = 0; node < flow.nodes.size(); ++node) {
    if (!flow.nodes[node].is_source || colors[node] == boost::black_color) continue;
    boost::breadth_first_visit(graph, node, boost::color_map(map));
  }
  std::vector<int> unreachable;
  for (size_t node = 0; node < flow.nodes.size(); ++node) {
    if (colors[node] != boost::black_color) unreachable.push_back(static_cast<int>(node));
  }
  return unreachable;
}

void CheckTopology(const Flow& flow, Findings* findings) {
  for (const std::vector<int>& cycle : Cycles(flow)) {
    std::string walk;
    for (const int node : cycle) absl::StrAppend(&walk, flow.nodes[node].name, " -> ");
    findings->Error(flow.nodes[cycle.front()].place,
                    absl::StrCat("the data runs in a loop: ", walk, flow.nodes[cycle.front()].name,
                                 "; break it"));
  }
  std::vector<bool> has_reader(flow.nodes.size());
  for (const auto& [from, to] : flow.edges) has_reader[from] = true;
  for (const int index : Unreachable(flow)) {
    const Flow::Node& node = flow.nodes[index];
    if (node.is_sink) {
      findings->Error(node.place, absl::StrCat("no producer reaches ", Quoted(node.name),
                                               "; let a component write the topic it reads"));
    } else if (node.is_store && !has_reader[index]) {
      findings->Warning(node.place, absl::StrCat("topic ", Quoted(node.name),
                                                 " is neither written nor read; is it needed?"));
    }
  }
}

}  // namespace freshet
