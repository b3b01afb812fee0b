// The pipeline as a graph: what flows where, loops, and what no data can ever reach.
#ifndef FRESHET_SCENARIOS_LANGUAGE_TOPOLOGY_H_
#define FRESHET_SCENARIOS_LANGUAGE_TOPOLOGY_H_

#include <string>
#include <utility>
#include <vector>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// A directed graph of topics and components; data flows along the edges.
struct Flow {
  struct Node {
    std::string name;
    bool is_source = false;  // Data begins here.
    bool is_sink = false;    // Data must get here.
    bool is_store = false;   // A topic: useless unless somebody writes or reads it.
    Place place;
  };
  std::vector<Node> nodes;
  std::vector<std::pair<int, int>> edges;  // Indices of nodes: from, to.
};

Flow FlowOf(const v1::Scenario& scenario, const Places& places);

// Groups of nodes that flow into each other, and nodes that flow into themselves, each in the order
// in which the loop is walked, beginning at its first node. Empty when there is no loop.
std::vector<std::vector<int>> Cycles(const Flow& flow);

// The nodes that no source leads to.
std::vector<int> Unreachable(const Flow& flow);

// Loops (refused: a retry or dead-letter loop will have to be declared, with a gain below 1),
// consumers that no producer reaches (refused), and topics that nobody uses (a warning).
void CheckTopology(const Flow& flow, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_TOPOLOGY_H_
