#include "test/tidy/figure_tables.hpp"

#include "app/reports/connection_report.hpp"
#include "app/reports/process_figures.hpp"
#include "protocol/observation/latencies.hpp"
#include "protocol/reports/report_figures.hpp"
#include "replication/nats/driver/nats_stats.hpp"
#include "replication/pair/link/pair_stats.hpp"

#include <set>
#include <string_view>

namespace twincached::tidy {
namespace {

using lib::Figure;

template <class Rows>
void add_rows(Figures& figures, const Rows& rows) {
    for (const auto& row : rows)
        figures.push_back(row.figure);
}

template <class... Rows>
Figures figures_of(const Rows&... rows) {
    Figures figures;
    (add_rows(figures, rows), ...);
    return figures;
}

Figures figures_of_pair() {
    Figures figures;
    replication::pair::visit_stats(
        {}, [&](const Figure& figure, std::string_view) { figures.push_back(figure); });
    return figures;
}

// What a pair does not tell.
Figures figures_of_cluster() {
    std::set<std::string_view> known;
    for (const auto& figure : figures_of_pair())
        known.insert(figure.name);
    Figures figures;
    replication::nats::visit_stats({}, [&](const Figure& figure, std::string_view) {
        if (!known.contains(figure.name)) figures.push_back(figure);
    });
    return figures;
}

}  // namespace

std::map<std::string, Figures> figure_tables() {
    return {
        {"process", figures_of(app::process_rows())},
        {"server", figures_of(protocol::server_rows, protocol::crawler_rows, protocol::watch_rows,
                              protocol::prefix_rows)},
        {"commands", figures_of(protocol::count_rows)},
        {"store", figures_of(storage::store_rows)},
        {"items", figures_of(storage::class_rows, protocol::class_fact_rows)},
        {"slabs",
         figures_of(protocol::slab_rows, protocol::class_count_rows, protocol::slab_total_rows)},
        {"conns", figures_of(app::connection_rows())},
        {"replication", figures_of_pair()},
        {"cluster", figures_of_cluster()},
        {"latency", figures_of(protocol::latency_rows())},
    };
}

Figures figures_of_metrics() {
    Figures figures;
    const auto all = figure_tables();
    for (const auto* table :
         {"process", "server", "commands", "store", "replication", "cluster", "latency"}) {
        for (const auto& figure : all.at(table))
            figures.push_back(figure);
    }
    return figures;
}

}  // namespace twincached::tidy
