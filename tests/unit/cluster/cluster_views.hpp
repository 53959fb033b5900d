/// Views of a cluster for tests: replicas 1, 2, ... on the nodes a, b, ...

#ifndef KALLGLOT_TESTS_UNIT_CLUSTER_CLUSTER_VIEWS_HPP
#define KALLGLOT_TESTS_UNIT_CLUSTER_CLUSTER_VIEWS_HPP

#include "kallglot/cluster/cluster_view.hpp"

#include <cstdint>
#include <string>

namespace kallglot {

inline cluster_view make_view(int replicas, std::uint16_t shards = 256) {
    cluster_view view;
    view.generation = {1, 1};
    for (int i = 1; i <= replicas; ++i) {
        replica_row row;
        row.id = incarnation(i);
        row.lease = seconds(6);
        row.node = std::string(1, static_cast<char>('a' + i - 1));
        view.replicas.push_back(row);
    }
    view.shards.resize(shards);
    return view;
}

/// All of them have made a beat.
inline void beat(cluster_view& view) {
    for (replica_row& row : view.replicas) {
        ++row.beat;
    }
}

} // namespace kallglot

#endif
