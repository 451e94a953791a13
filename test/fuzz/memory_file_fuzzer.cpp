// Feeds memory files to a start. The sums are made right here, for with a wrong one nothing of a
// file is looked at: what is fuzzed is what a block says. Demanded is
//
//  * whatever is refused leaves one line behind, and no item;
//  * what is taken is sane: every item's version in the past of the clock, its last use in the
//  past,
//    keys and values within their limits;
//  * and is whole: saved again, and put back again, it is the same.
//
// The input:  [ raw: 1 byte ]  0: the bytes behind it are a file as it is
//             else blocks:  [ type | length, 2 bytes | payload ] ...
#include "app/restart/memory_file.hpp"
#include "replication/none.hpp"
#include "storage/shard/saved_item.hpp"
#include "test/fuzz/demand.hpp"
#include "test/support/memory_file_image.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace twincached;

const std::string path = "/dev/shm/memory-file-fuzzer-" + std::to_string(::getpid());

app::Log& silent_log() {
    static app::Log log([] {
        app::LogOptions options;
        options.file = "/dev/null";
        return options;
    }());
    return log;
}

storage::StoreOptions store_options() {
    auto options = storage::default_store_options();
    options.memory_limit_bytes = 4U << 20;
    options.shards = 2;
    return options;
}

std::string image_of(std::string_view input) {
    if (input.empty() || input.front() == '\0') return std::string(input.substr(!input.empty()));
    input.remove_prefix(1);
    app::MemoryFileImage image;
    while (input.size() >= 3) {
        const auto type = static_cast<app::BlockType>(input[0]);
        const std::size_t length = static_cast<std::uint8_t>(input[1]) |
                                   static_cast<std::size_t>(static_cast<std::uint8_t>(input[2]))
                                       << 8;
        const auto payload = input.substr(3, length);
        image.block(type, payload);
        input.remove_prefix(3 + payload.size());
    }
    return image.bytes();
}

// One start that finds the file, and its orderly stop.
struct Run {
    Run() {
        now.steady_ms = 100'000;
        now.version_ms = std::uint64_t{1} << 36;
    }
    bool load() {
        const app::ClockReading clocks{std::int64_t{1} << 40, std::int64_t{1} << 60};
        const auto saved = file.open(clocks);
        if (!saved) return false;
        demand(saved->header.steady_ms + saved->away_ms < std::uint64_t{1} << 42,
               "the clock goes on");
        return file.load(*saved, {store, replicator}, now);
    }
    std::map<std::string, std::pair<storage::Version, std::string>> items() {
        std::map<std::string, std::pair<storage::Version, std::string>> found;
        store.save([&](const storage::SavedItem& item) {
            demand(!item.key.empty() && item.key.size() <= storage::key_size_limit, "a key");
            demand(item.version != 0, "a version");
            demand(storage::time_of(item.version) <= last, "a version of no later than tomorrow");
            demand(item.last_access <= now.tick(), "a use in the past");
            demand(found.count(std::string(item.key)) == 0, "a key once");
            found[std::string(item.key)] = {item.version, std::string(item.value)};
            return true;
        });
        return found;
    }

    storage::Now now;
    std::uint64_t last = storage::last_time(std::uint64_t{1} << 36, 24 * 3'600'000);
    replication::NoneReplicator replicator{{}};
    storage::Store store{store_options(), lib::KeyedHash("fuzz"), replicator.sink()};
    app::MemoryFile file{path, std::chrono::seconds(10), silent_log()};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::ofstream(path, std::ios::binary) << image_of({reinterpret_cast<const char*>(data), size});
    std::optional<Run> run(std::in_place);
    const bool is_taken = run->load();
    const auto items = run->items();
    if (is_taken) {
        demand(run->store.version_time() >> 2 <= run->last, "a clock that is not ahead");
        run->file.save({run->store, run->replicator}, {}, run->now);
        run.reset();
        run.emplace();
        demand(run->load(), "what was taken is taken again");
        demand(run->items() == items, "and is the same");
    }
    run.reset();
    ::unlink(path.c_str());
    ::unlink((path + ".unknown").c_str());
    return 0;
}
