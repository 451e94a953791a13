// Whatever comes to the admin endpoint: the first byte says in which pieces. What was found in them
// must not depend on that, and every answer must be one that a client can take.
#include "app/endpoint/answers.hpp"
#include "app/endpoint/item_pages.hpp"
#include "app/endpoint/request_reader.hpp"
#include "replication/none.hpp"
#include "storage/store_options.hpp"
#include "test/fuzz/demand.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace twincached;
using Progress = app::RequestReader::Progress;

// Some items, that are only read.
class Kept {
  public:
    Kept() {
        for (int i = 0; i < 40; ++i)
            set(std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
        set("a\r\nb", "value");
        set("large", std::string(600'000, 'x'));
    }
    storage::Store& store() noexcept { return store_; }

  private:
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.memory_limit_bytes = 16 << 20;
        options.shards = 2;
        return options;
    }
    void set(std::string_view key, std::string_view value) {
        storage::Write request;
        request.value = value;
        (void)store_.write(store_.key(key), {}, request);
    }

    replication::NoneReplicator replicator_{{}};
    storage::Store store_{options(), lib::KeyedHash::of_seed(1), replicator_.sink()};
};

app::Answer answer_to(app::Request request) {
    static Kept kept;
    const auto digests = [](storage::BucketNumber, std::span<std::uint64_t>) { return false; };
    const app::StoredItems items{kept.store(), {}, digests};
    // Who may read items may act, too, and nothing here is told to act.
    if (request.method != "POST") request.trust = app::Trust::owner;
    const auto see = [] {
        app::Standing standing;
        standing.open_for = std::chrono::seconds(1);
        standing.state = "LINKED";
        standing.lag_ms = 50;
        return standing;
    };
    const auto tell = [](lib::FigureVisitor visit) {
        visit(lib::counter("get_hits", "keys that were found"), "1");
    };
    const auto act = [](const app::Action&) -> app::Verdict {
        demand(false,
               "whoever may not act does nothing, and nobody acts by another method than POST");
        return {};
    };
    const auto history = [] { return std::string("[]\n"); };
    const auto lines = [](std::uint64_t) { return std::string("[]\n"); };
    return app::answer(request, {see, tell, history, lines, act, &items});
}

// To requests that were whole. What is wrong with half a head may be seen at once or at its end.
std::vector<std::string> answers_to(std::string_view bytes, std::size_t step) {
    app::RequestReader reader;
    std::vector<std::string> answers;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        auto progress = reader.feed(bytes.substr(at, step));
        while (progress == Progress::request) {
            answers.push_back(reader.text_of(answer_to(reader.request())));
            demand(answers.back().starts_with("HTTP/1.1 "), "it is answered");
            if (!reader.keeps_open()) return answers;
            progress = reader.feed({});
        }
        if (progress == Progress::refused) {
            const auto refusal = reader.text_of(reader.refusal());
            const bool says_why =
                refusal.starts_with("HTTP/1.1 4") || refusal.starts_with("HTTP/1.1 505");
            demand(says_why, "a refusal blames the request");
            return answers;
        }
    }
    return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t step = std::size_t{1} + data[0];
    const auto pieces = answers_to(bytes, step);
    // A head at its limit may be refused a piece earlier or later, with another number.
    if (size < app::RequestReader::head_limit)
        demand(answers_to(bytes, bytes.size()) == pieces, "pieces make no difference");
    return 0;
}
