// One pass from top to bottom of an answer: sessions, gauges, counters and histograms, process. Order within a family
// is fixed, so that two scrapes differ only in values and compress well.

#include "kallglot/metrics/exposition.hpp"

#include "metrics/session_metrics.hpp"
#include "metrics/snapshot_metrics.hpp"

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kallglot {

namespace {

// Converts the library's histogram into the writer's form.
void write_histogram(exposition_writer& out,
                     std::span<const label_ref> labels,
                     const prometheus::ClientMetric::Histogram& values,
                     std::span<const exemplar> examples) {
    // Copies, a few hundred bytes: the library gives its buckets only as a list of pairs.
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;
    // The library's last bucket is +Inf; the writer adds that one itself.
    for (std::size_t i = 0; i + 1 < values.bucket.size(); ++i) {
        bounds.push_back(values.bucket[i].upper_bound);
        counts.push_back(values.bucket[i].cumulative_count);
    }
    histogram_view view;
    view.bounds = bounds;
    view.cumulative_counts = counts;
    view.count = values.sample_count;
    view.sum = values.sample_sum;
    view.exemplars = examples;
    out.histogram(labels, view);
}

} // namespace

void write_daemon_metrics(exposition_writer& out, const daemon_metrics& daemon) {
    for (const instrument_table::family& family : daemon.instruments().families()) {
        out.family(*family.info);
        for (const instrument_table::series& series : family.list) {
            // Label names come from the metric table, values from the series, in the same order.
            std::array<label_ref, max_metric_labels> list;
            for (std::size_t i = 0; i < series.values.size(); ++i) {
                list[i] = {family.info->labels[i], series.values[i]};
            }
            const std::span<const label_ref> labels(list.data(), series.values.size());
            // A series has one of the two, by the type of its metric.
            if (series.counter != nullptr) {
                out.sample(labels, series.counter->Value());
            } else {
                write_histogram(out,
                                labels,
                                series.histogram->Collect().histogram,
                                daemon.exemplars(*family.info, labels));
            }
        }
    }
    // Not an instrument: its labels are the information, its value is always 1.
    const build_details& build = daemon.build();
    out.family(metric::build_info);
    out.sample(
        {{"version", build.version}, {"revision", build.revision}, {"compiler", build.compiler}},
        1);
}

void write_exposition(std::string& out,
                      exposition_format format,
                      const daemon_report& report,
                      const daemon_metrics& daemon,
                      const process_metrics& process,
                      std::optional<double> last_duration_seconds) {
    // Families of one subject stay together, for people who read the text.
    exposition_writer writer(out, format);
    write_session_metrics(writer, report.census, report.thresholds, report.wall_now);
    write_snapshot_metrics(writer, report);
    // Of the previous answer: the duration of this one is not known yet.
    if (last_duration_seconds) {
        writer.single(metric::scrape_duration, *last_duration_seconds);
    }
    write_daemon_metrics(writer, daemon);
    // Alerts build their links from it.
    if (!report.external_url.empty()) {
        writer.family(metric::web_info);
        writer.sample({{"external_url", report.external_url}}, 1);
    }
    process.write(writer);
    writer.finish();
}

std::optional<std::string> gzip(std::string_view text) {
    z_stream stream{};
    // 16 above the window selects the gzip format. Speed over size: a scrape waits for this on the event loop.
    constexpr int gzip_window = 15 + 16;
    constexpr int memory_level = 8;
    if (::deflateInit2(&stream,
                       Z_BEST_SPEED,
                       Z_DEFLATED,
                       gzip_window,
                       memory_level,
                       Z_DEFAULT_STRATEGY)
        != Z_OK) {
        return std::nullopt;
    }

    // zlib knows the maximum size of the result, so one call compresses everything.
    std::string packed(::deflateBound(&stream, text.size()), '\0');
    // zlib only reads the input; its declaration lacks const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    // The stream is closed on every path, also if the result is not complete.
    const int outcome = ::deflate(&stream, Z_FINISH);
    packed.resize(packed.size() - stream.avail_out);
    ::deflateEnd(&stream);
    return outcome == Z_STREAM_END ? std::optional<std::string>(std::move(packed)) : std::nullopt;
}

} // namespace kallglot
