// Memory files whose sums are right and whose numbers are lies, and machines that do not let one
// be written.
#include "app/restart/memory_file.hpp"

#include "replication/none.hpp"
#include "test/support/failing_allocations.hpp"
#include "test/support/memory_file_image.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

namespace twincached::app {

namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::uint64_t no_failure = 0;
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::uint64_t day_ms = 86'400'000;

class Folder {
  public:
    Folder() : path_(std::filesystem::temp_directory_path() / "memory-file-XXXXXX") {
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

  private:
    std::string path_;
};

std::string content_of(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
}

// A start of a node alone that finds this file.
class Start {
  public:
    // The nth allocation of reading it fails, and all that follow.
    explicit Start(const std::string& image, std::uint64_t nth = no_failure) {
        std::ofstream(path_) << image;
        file_ = std::make_unique<MemoryFile>(path_, std::chrono::seconds(10), log_);
        now_.steady_ms = 100'000;
        now_.version_ms = 50 * day_ms;
        const FailingAllocations failing(nth, FailingAllocations::Kind::from_then_on);
        saved_ = file_->open({1000 * ns_per_second, 2000 * ns_per_second});
        is_loaded_ = saved_ && file_->load(*saved_, {store, replicator_}, now_);
        has_failed_ = failing.has_failed();
    }
    bool has_failed() const { return has_failed_; }
    bool is_loaded() const { return is_loaded_; }
    const std::optional<MemoryFile::Saved>& saved() const { return saved_; }
    bool says(std::string_view text) {
        return content_of(log_path_).find(text) != std::string::npos;
    }
    // What the file says after the next stop.
    std::string save(std::uint64_t nth = no_failure) {
        {
            const FailingAllocations failing(nth, FailingAllocations::Kind::from_then_on);
            file_->save({store, replicator_}, {999 * ns_per_second, 1999 * ns_per_second}, now_);
            has_failed_ = failing.has_failed();
        }
        return content_of(path_);
    }
    const Folder& folder() const { return folder_; }

  private:
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.memory_limit_bytes = 8U << 20;
        options.shards = 1;
        return options;
    }
    LogOptions log_options() const {
        LogOptions options;
        options.file = log_path_;
        return options;
    }

    Folder folder_;
    std::string path_ = folder_.file("items");
    std::string log_path_ = folder_.file("log");
    Log log_{log_options()};
    replication::NoneReplicator replicator_{{}};
    storage::Now now_;

  public:
    storage::Store store{options(), lib::KeyedHash::of_seed(1), replicator_.sink()};

  private:
    std::unique_ptr<MemoryFile> file_;
    std::optional<MemoryFile::Saved> saved_;
    bool is_loaded_ = false;
    bool has_failed_ = false;
};

MemoryHeader sensible() {
    MemoryHeader header;
    header.node = MemoryHeader::no_node;
    header.clocks = {990 * ns_per_second, 1990 * ns_per_second};
    header.steady_ms = 90'000;
    header.registers.version_time = 1000;
    return header;
}

storage::SavedItem saved_item(storage::Version version, std::string_view value = "value") {
    storage::SavedItem item;
    item.key = "key";
    item.value = value;
    item.version = version;
    return item;
}

std::string image_of(const MemoryHeader& header, storage::Version version = 7U << 11) {
    return MemoryFileImage().header(header).item(saved_item(version)).end().bytes();
}

}  // namespace

TEST_CASE("a memory file is put back, and what is saved again says the same") {
    Start start(image_of(sensible()));
    REQUIRE(start.is_loaded());
    CHECK(start.saved()->away_ms == 10'000);
    CHECK(start.store.stats().total.items == 1);
    Start again(start.save());
    REQUIRE(again.is_loaded());
    CHECK(again.store.stats().total.items == 1);
    CHECK(again.store.version_time() == start.store.version_time());
}

TEST_CASE("clocks in a memory file that no clock can show are damage") {
    const auto with = [](auto change) {
        auto header = sensible();
        change(header);
        return image_of(header);
    };
    for (const std::int64_t time : {lowest, lowest + 1, std::int64_t{-1}}) {
        INFO(time);
        Start boot(with([&](MemoryHeader& header) { header.clocks.boot_ns = time; }));
        CHECK_FALSE(boot.saved());
        CHECK(boot.says("no sensible header; starting empty"));
        Start real(with([&](MemoryHeader& header) { header.clocks.real_ns = time; }));
        CHECK_FALSE(real.saved());
    }
    for (const std::uint64_t time : {most, most - 1, most / 2, std::uint64_t{1} << 60}) {
        INFO(time);
        Start steady(with([&](MemoryHeader& header) { header.steady_ms = time; }));
        CHECK_FALSE(steady.saved());
        CHECK(steady.says("no sensible header; starting empty"));
    }
    Start sum(with([](MemoryHeader& header) {
        header.steady_ms = (std::uint64_t{1} << 31) * 1000;  // and it was away for a while
    }));
    CHECK_FALSE(sum.saved());
    Start later(with([](MemoryHeader& header) { header.clocks = {highest, highest}; }));
    CHECK(later.says("saved later than this machine's clock says it is now"));
}

TEST_CASE("versions in a memory file are believed up to a day ahead and no further") {
    // Of a node alone: its clock counts, four times as fine.
    const auto time = ((51 * day_ms) << 10);
    auto header = sensible();
    header.registers.version_time = time << 2;
    CHECK(Start(image_of(header, time << 13)).is_loaded());
    header.registers.version_time = (time + 1) << 2;
    Start clock(image_of(header));
    CHECK_FALSE(clock.is_loaded());
    CHECK(clock.says("more than a day ahead"));
    for (const storage::Version version : {(time + 1) << 13, most}) {
        Start item(image_of(sensible(), version));
        CHECK_FALSE(item.is_loaded());
        CHECK(item.says("more than a day ahead"));
        const auto image =
            MemoryFileImage()
                .header(sensible())
                .item(saved_item(version, std::string(300'000, 'v')), BlockType::large_item)
                .end();
        CHECK_FALSE(Start(image.bytes()).is_loaded());
    }
}

TEST_CASE("no flush in a memory file is ahead of the clock that was saved with it") {
    auto header = sensible();
    header.registers.flush_version = storage::Version{1000} << 11;
    CHECK(Start(image_of(header)).is_loaded());
    header.registers.flush_version = storage::Version{1004} << 11;
    CHECK_FALSE(Start(image_of(header)).is_loaded());
    header.registers.flush_version = 0;
    header.registers.schedule = {most, most};
    CHECK_FALSE(Start(image_of(header)).is_loaded());
}

TEST_CASE("an item that was used later than now was used now") {
    auto item = saved_item(7U << 11);
    item.last_access = std::numeric_limits<storage::Tick>::max();
    Start start(MemoryFileImage().header(sensible()).item(item).end().bytes());
    REQUIRE(start.is_loaded());
    storage::Now now;
    now.steady_ms = 100'000;
    storage::Tick last_access = 0;
    start.store.peek(start.store.key("key"), now,
                     [&](const storage::ItemView& view) { last_access = view.last_access; });
    CHECK(last_access == now.tick());
}

TEST_CASE("a memory file that finds no memory while it is read costs its items and nothing else") {
    const auto image =
        MemoryFileImage()
            .header(sensible())
            .item(saved_item(7U << 11, std::string(300'000, 'v')), BlockType::large_item)
            .end()
            .bytes();
    bool has_failed = true;
    for (std::uint64_t nth = 1; has_failed; ++nth) {
        Start start(image, nth);
        has_failed = start.has_failed();
        CHECK((has_failed || start.is_loaded()));
        if (!start.is_loaded()) continue;
        // Without memory to note where it lies the one item finds no room.
        const auto items = start.store.stats().total.items;
        CHECK((has_failed || items == 1));
        Start again(start.save());
        CHECK(again.is_loaded());
        CHECK(again.store.stats().total.items == items);
    }
}

TEST_CASE("a memory file that finds no memory while it is saved is whole or none") {
    bool has_failed = true;
    for (std::uint64_t nth = 1; has_failed; ++nth) {
        Start start(image_of(sensible()));
        REQUIRE(start.is_loaded());
        const auto content = start.save(nth);
        has_failed = start.has_failed();
        CHECK_FALSE(std::filesystem::exists(start.folder().file("items.new")));
        if (content == "TWIN-RUN") continue;
        Start again(content);
        CHECK(again.is_loaded());
        CHECK(again.store.stats().total.items == 1);
    }
}

TEST_CASE("a memory file belongs to one at a time, from the look at it to the end") {
    const Folder folder;
    LogOptions options;
    options.file = folder.file("log");
    Log log(options);
    const auto path = folder.file("items");
    const MemoryFile first(path, std::chrono::seconds(10), log);
    CHECK_THROWS_WITH(MemoryFile(path, std::chrono::seconds(10), log),
                      Catch::Contains("another running server uses it"));
    // Another file in the same folder is another's business.
    const MemoryFile other(folder.file("others"), std::chrono::seconds(10), log);
}

}  // namespace twincached::app
