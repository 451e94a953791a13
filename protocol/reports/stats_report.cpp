#include "protocol/reports/stats_report.hpp"

#include "protocol/digits.hpp"
#include "protocol/reports/figure_sheet.hpp"
#include "protocol/reports/report_figures.hpp"

#include <array>
#include <string>

namespace twincached::protocol {

namespace {

// A number as text, in a place that lives as long as the object.
class NumberText {
  public:
    explicit NumberText(std::uint64_t number) noexcept
        : size_(static_cast<std::size_t>(put_number(digits_.data(), number) - digits_.data())) {}
    operator std::string_view() const noexcept { return {digits_.data(), size_}; }  // NOLINT

  private:
    std::array<char, digits_limit> digits_;
    std::size_t size_;
};

// Every name of a class behind its prefix: "items:3:number", "3:chunk_size".
class Prefixed {
  public:
    Prefixed(StatVisitor visit, std::string_view family, unsigned size_class) : visit_(visit) {
        key_.append(family);
        key_.append(NumberText(size_class));
        key_.append(":");
        prefix_size_ = key_.size();
    }
    void operator()(std::string_view name, std::string_view value) {
        key_.resize(prefix_size_);
        key_.append(name);
        visit_(key_, value);
    }
    void operator()(const lib::Figure& figure, std::string_view value) {
        (*this)(figure.name, value);
    }

  private:
    StatVisitor visit_;
    std::string key_;
    std::size_t prefix_size_ = 0;
};

CountTally counts_of(const Service& service) noexcept {
    CountTally tally;
    for (std::size_t i = 0; i < CountTally::size; ++i)
        tally.add(static_cast<Count>(i), service.total(static_cast<Count>(i)));
    return tally;
}

ClassCountTally counts_of(const Service& service, unsigned size_class) noexcept {
    ClassCountTally tally;
    for (std::size_t i = 0; i < ClassCountTally::size; ++i) {
        const auto name = static_cast<ClassCount>(i);
        tally.add(name, service.total(size_class, name));
    }
    return tally;
}

// collectd has a buffer of 4 KiB for plain `stats`, and reads nothing if they are longer.
constexpr std::size_t general_bytes_limit = 4096;

// Plain `stats` is read by programs that know three words to a line: of an empty value php-memcache
// makes an error of the whole report, of a colon the Prometheus exporter makes a slab class.
bool fits_general(std::string_view key, std::string_view value) noexcept {
    return key.find(':') == std::string_view::npos && !value.empty() &&
           value.find(' ') == std::string_view::npos;
}

}  // namespace

void StatsReport::figures(lib::FigureVisitor visit) const {
    const auto stats = service_.store().stats();
    const auto& shared = service_.shared();
    const ServerFacts server{service_.version(), now_.unix_seconds, stats.index_bytes};
    lib::visit_figures(server_rows, server, visit);
    lib::visit_figures(storage::store_rows, stats, visit);
    lib::visit_figures(count_rows, counts_of(service_), visit);
    lib::visit_figures(crawler_rows, shared.reported, visit);
    lib::visit_figures(watch_rows, shared.observation.watch_log.counts(), visit);
    lib::visit_figures(prefix_rows, shared.observation.prefixes, visit);
}

void StatsReport::general(StatVisitor visit_line) const {
    std::size_t bytes = std::string_view("END\r\n").size();
    const auto line_bytes = [](std::string_view key, std::string_view value) {
        return std::string_view("STAT  \r\n").size() + key.size() + value.size();
    };
    const auto visit = [&](std::string_view key, std::string_view value) {
        bytes += line_bytes(key, value);
        visit_line(key, value);
    };
    using Absent = FigureSheet::Absent;
    FigureSheet sheet;
    service_.process_stats(
        [&](std::string_view key, std::string_view value) { sheet.note(key, value); });
    figures(
        [&](const lib::Figure& figure, std::string_view value) { sheet.note(figure.name, value); });
    sheet.tell(general_order, Absent::as_zero, visit);
    sheet.tell(general_order_tls, Absent::left_out, visit);
    sheet.tell(general_order_after_tls, Absent::as_zero, visit);
    sheet.tell_rest(visit);
    // The replicator's keys come with the most important first; `stats replication` has them all.
    // Those without its prefix are its ancestor's, whose dashboards look for them here.
    constexpr std::string_view prefix = "repl_";
    service_.replication_stats([&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix) && fits_general(key, value)) visit(key, value);
    });
    service_.replication_stats([&](std::string_view key, std::string_view value) {
        const bool has_room = bytes + line_bytes(key, value) < general_bytes_limit;
        if (has_room && key.starts_with(prefix) && fits_general(key, value)) visit(key, value);
    });
}

void StatsReport::latencies(lib::FigureVisitor visit) const {
    lib::visit_figures(latency_rows(), service_.latencies(), visit);
}

void StatsReport::items(StatVisitor visit) const {
    const auto stats = service_.store().stats();
    for (unsigned id = 1; id < storage::size_class_limit; ++id) {
        const auto& of_class = stats.classes[id];
        if (of_class.items == 0) continue;
        FigureSheet sheet;
        for (const auto& row : storage::class_rows)
            sheet.note(row.figure.name, NumberText(of_class.*row.member));
        sheet.note_all(class_fact_rows, ClassFacts{of_class, counts_of(service_, id)});
        sheet.tell(items_order, FigureSheet::Absent::as_zero, Prefixed(visit, "items:", id));
    }
}

void StatsReport::slabs(StatVisitor visit) const {
    const auto& classes = service_.shared().size_classes;
    const auto stats = service_.store().stats();
    SlabTotals totals;
    for (unsigned id = 1; id <= classes.count(); ++id) {
        const auto items = stats.classes[id].items;
        if (items == 0) continue;
        const SlabFacts facts(classes.chunk_bytes(id), items);
        Prefixed stat(visit, "", id);
        lib::visit_figures(slab_rows, facts, stat);
        lib::visit_figures(class_count_rows, counts_of(service_, id), stat);
        ++totals.classes;
        totals.pages += facts.pages;
    }
    lib::visit_figures(
        slab_total_rows, totals,
        [&](const lib::Figure& figure, std::string_view value) { visit(figure.name, value); });
}

// By the step of 32 bytes that the largest item of a size class falls into: what is known without
// looking at every item.
void StatsReport::sizes(StatVisitor visit) const {
    if (!service_.settings().track_sizes) return visit("sizes_status", "disabled");
    constexpr std::uint64_t step = 32;
    const auto& classes = service_.shared().size_classes;
    const auto stats = service_.store().stats();
    std::uint64_t items = 0;
    for (unsigned id = 1; id <= classes.count(); ++id) {
        const auto steps = [&](unsigned of) { return (classes.chunk_bytes(of) + step - 1) / step; };
        items += stats.classes[id].items;
        if (id < classes.count() && steps(id + 1) == steps(id)) continue;
        if (items > 0) visit(NumberText(steps(id) * step), NumberText(items));
        items = 0;
    }
}

bool report_stats(Service& service, std::string_view name, const storage::Now& now,
                  StatVisitor visit) {
    const StatsReport report(service, now);
    if (name.empty()) {
        report.general(visit);
    } else if (name == "settings") {
        service.settings_stats(visit);
    } else if (name == "items") {
        report.items(visit);
    } else if (name == "slabs") {
        report.slabs(visit);
    } else if (name == "sizes") {
        report.sizes(visit);
    } else if (name == "replication") {
        service.replication_stats(visit);
    } else if (name == "latency") {
        report.latencies(
            [&](const lib::Figure& figure, std::string_view value) { visit(figure.name, value); });
    } else {
        return false;
    }
    return true;
}

}  // namespace twincached::protocol
