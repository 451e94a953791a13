#include "app/restart/memory_file.hpp"

#include "lib/allocation.hpp"
#include "lib/endian.hpp"
#include "storage/shard/saved_item.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace twincached::app {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view mark_magic = "TWIN-RUN";
constexpr std::string_view saved_magic = "TWINMEM1";  // with the format's number
constexpr std::size_t magic_bytes = 8;
static_assert(mark_magic.size() == magic_bytes && saved_magic.size() == magic_bytes);

constexpr int file_flags = O_CLOEXEC | O_NOFOLLOW;
constexpr mode_t owner_only = 0600;
constexpr std::size_t block_bytes = 1U << 20;
// What is larger stands in a block of its own, and is copied nowhere on its way.
constexpr std::size_t large_bytes = 256U << 10;

std::string_view view_of(const std::string& text) noexcept {
    return text;
}

constexpr std::string_view no_memory = "there was not enough memory";
// A clock that goes wrong by more would let nothing in that is newer for as long.
constexpr std::uint64_t ahead_most_ms = 24 * 3'600'000;
constexpr std::string_view too_far_ahead =
    "its versions are more than a day ahead: a clock is, or was, wrong";

constexpr std::string_view hash_question = "twincached: does this store hash as the saved one did?";

// Any text does: two stores that hash it alike hash all keys alike, and the secret that decides the
// hash does not appear in the file.
std::uint64_t hash_check_of(const storage::Store& store) noexcept {
    return store.key(hash_question).hash;
}

// A node that does not know yet which of the two it is saves itself as none.
std::uint64_t node_of(const replication::Replicator& replicator) noexcept {
    return replicator.node().value_or(static_cast<unsigned>(MemoryHeader::no_node));
}

// A node alone counts where others keep hybrid time; its count goes on from what they have given.
storage::Store::Registers registers_for(const replication::Replicator& replicator,
                                        const std::optional<unsigned>& writer,
                                        storage::Store::Registers registers) noexcept {
    if (writer && !replicator.node())
        registers.version_time = storage::count_after(registers.version_time);
    return registers;
}

// For as long as one of these lives nobody else takes a memory file in that folder into possession:
// between the look at a file and the mark that takes its place there is a moment without either.
class FolderLock {
  public:
    explicit FolderLock(const std::string& path) {
        const auto folder = std::filesystem::path(path).parent_path().string();
        descriptor_ =
            ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; descriptor_ >= 0 && i < attempts; ++i) {
            if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
            std::this_thread::sleep_for(pause);
        }
        if (descriptor_ < 0) return;  // opening the file says why
        ::close(descriptor_);
        throw std::runtime_error(
            fmt::format("memory file {}: another process keeps its folder locked", path));
    }
    ~FolderLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

  private:
    // A start holds it for some milliseconds.
    static constexpr unsigned attempts = 500;
    static constexpr milliseconds pause{10};

    int descriptor_;
};

auto ms_since(steady_clock::time_point start) {
    return duration_cast<milliseconds>(steady_clock::now() - start).count();
}

[[noreturn]] void fail(const std::string& path, std::string_view what) {
    throw std::runtime_error(
        fmt::format("memory file {}: {}: {}", path, what, std::strerror(errno)));
}

// So that not even a power failure brings back what was removed.
void sync_folder_of(const std::string& path) noexcept {
    const auto folder = std::filesystem::path(path).parent_path().string();
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    (void)::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

// Takes possession of the path: from here on a crash leaves a mark behind, and nobody finds old
// items there. What was saved is read through the descriptor, which outlives its name.
MemoryFile::MemoryFile(std::string path, milliseconds limit, Log& log)
    : path_(std::move(path)), unfinished_(path_ + ".new"), limit_(limit), log_(log) {
    const FolderLock folder(path_);
    const int found = ::open(path_.c_str(), O_RDWR | file_flags);
    if (found < 0 && errno != ENOENT) fail(path_, "it cannot be opened");
    if (found < 0) {
        log_.info("memory file {}: there is none, starting empty", path_);
        put_mark();
        return;
    }
    struct stat status {};
    if (::fstat(found, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(found);
        throw std::runtime_error(fmt::format("memory file {}: not a plain file", path_));
    }
    if (::flock(found, LOCK_EX | LOCK_NB) != 0) {
        ::close(found);
        throw std::runtime_error(
            fmt::format("memory file {}: another running server uses it", path_));
    }
    std::array<char, magic_bytes> magic{};
    const auto count = ::read(found, magic.data(), magic.size());
    const std::string_view begin(magic.data(),
                                 static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (begin == saved_magic) {
        saved_ = found;
    } else {
        ::close(found);
        if (begin == mark_magic) {
            log_.warning(
                "memory file {}: the last run ended without saving its items "
                "(a crash, kill -9, or see its log), starting empty",
                path_);
        } else if (!begin.empty()) {
            set_aside();
        }
    }
    put_mark();
}

MemoryFile::~MemoryFile() {
    for (const int descriptor : {mark_, saved_})
        if (descriptor >= 0) ::close(descriptor);
}

std::uint64_t MemoryFile::hash_check_of(const lib::KeyedHash& hash) noexcept {
    return hash(hash_question);
}

// Whatever it is, it was not written by this version; it may be worth something to somebody.
void MemoryFile::set_aside() const {
    const auto aside = path_ + ".unknown";
    if (std::rename(path_.c_str(), aside.c_str()) != 0) fail(path_, "it cannot be set aside");
    log_.warning(
        "memory file {}: damaged at its beginning, or of another program or version: "
        "it is {} now, starting empty",
        path_, aside);
}

// From here on nobody finds saved items under this path. Written anew, not over the old, which is
// still to be read.
void MemoryFile::put_mark() {
    (void)::unlink(unfinished_.c_str());
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail(path_, "it cannot be removed");
    mark_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | file_flags, owner_only);
    if (mark_ < 0) fail(path_, "it cannot be created");
    (void)::flock(mark_, LOCK_EX | LOCK_NB);
    // On a full disk it stays empty, which says nothing, but nothing wrong either.
    (void)!::write(mark_, mark_magic.data(), mark_magic.size());
    sync_folder_of(path_);
}

// One line, and the node starts empty: a cache that lacks items is right, one with wrong ones is
// not.
std::optional<MemoryFile::Saved> MemoryFile::refuse(std::string_view why) {
    log_.warning("memory file {}: refused: {}; starting empty", path_, why);
    reader_.reset();
    if (saved_ >= 0) ::close(std::exchange(saved_, -1));
    return std::nullopt;
}

std::optional<MemoryFile::Saved> MemoryFile::open(const ClockReading& clocks) {
    try {
        return try_open(clocks);
    } catch (const std::bad_alloc&) {
        return refuse("there is not enough memory to read it");
    }
}

// The header decides whether anything else is read. A clock that has gone back since would bring
// what has expired back to life.
std::optional<MemoryFile::Saved> MemoryFile::try_open(const ClockReading& clocks) {
    if (saved_ < 0) return std::nullopt;
    reader_.emplace(saved_, deadline());
    const auto head = reader_->next();
    std::string payload;
    if (!head) return refuse(reader_->problem());
    if (head->type != BlockType::header || head->length > block_bytes)
        return refuse("it is damaged: no header");
    if (!reader_->read_payload(payload)) return refuse(reader_->problem());
    const auto header = header_of(payload);
    if (!header) return refuse("it is damaged: no sensible header");
    const auto away = away_ms(*header, clocks);
    if (!away) return refuse("it was saved later than this machine's clock says it is now");
    if (*away > steady_ms_most - header->steady_ms)
        return refuse("it is damaged: no sensible header");
    return Saved{*header, *away};
}

bool MemoryFile::load(const Saved& saved, const Parts& parts, const storage::Now& now) {
    try {
        return try_load(saved, parts, now);
    } catch (const std::bad_alloc&) {
        (void)refuse("there is not enough memory to read it");
        return false;
    }
}

// In the order of what depends on what: clocks and flushes before items, for an item that was
// flushed is not restored; what replication remembers before them, too, for each of them is then
// told to it.
bool MemoryFile::try_load(const Saved& saved, const Parts& parts, const storage::Now& now) {
    const auto start = steady_clock::now();
    const auto give_up = [this](std::string_view why) {
        (void)refuse(why);
        return false;
    };
    last_time_ = storage::last_time(now.version_ms, ahead_most_ms);
    if (!has_sensible_registers(saved.header, last_time_)) return give_up(too_far_ahead);
    const std::optional<unsigned> writer =
        saved.header.node == MemoryHeader::no_node
            ? std::nullopt
            : std::optional(static_cast<unsigned>(saved.header.node));
    parts.store.restore(registers_for(parts.replicator, writer, saved.header.registers));
    const auto head = reader_->next();
    std::string bytes;
    if (!head) return give_up(reader_->problem());
    if (head->type != BlockType::replication) return give_up("it is damaged: a block is missing");
    if (!reader_->read_payload(bytes)) return give_up(reader_->problem());
    const bool hashes_alike = saved.header.hash_check == app::hash_check_of(parts.store);
    const auto recall = parts.replicator.recall({bytes, writer, hashes_alike}, parts.store);
    if (recall.has_error()) return give_up(recall.error());
    if (!read_items(*reader_, parts.store, now))
        return give_up(problem_.empty() ? view_of(reader_->problem()) : view_of(problem_));
    log_.info(
        "memory file {}: {} items, {} MiB, read in {} ms; {} of them expired in the {} s "
        "that the server was away, or found no room",
        path_, items_, reader_->bytes() >> 20, ms_since(start), dropped_, saved.away_ms / 1000);
    tell_of(*recall);
    reader_.reset();
    ::close(std::exchange(saved_, -1));
    return true;
}

void MemoryFile::tell_of(replication::Recall recall) {
    switch (recall) {
        case replication::Recall::continued:
            return;
        case replication::Recall::compared:
            return log_.info("memory file {}: what it holds is compared with another node", path_);
        case replication::Recall::anew:
            return log_.info(
                "memory file {}: it was saved by a node that was replicated in another way, with "
                "another secret, or not at all: nothing is known of what others hold",
                path_);
    }
}

// Until the block that says how many there were: a file that was cut short is refused as a whole,
// since what is missing may be what was written last.
bool MemoryFile::read_items(BlockReader& reader, storage::Store& store, const storage::Now& now) {
    std::string payload;
    const auto damaged = [this] {
        if (problem_.empty()) problem_ = "it is damaged: an item makes no sense";
        return false;
    };
    while (const auto head = reader.next()) {
        switch (head->type) {
            case BlockType::items:
                if (!reader.read_payload(payload)) return false;
                if (!read_block(payload, store, now)) return damaged();
                continue;
            case BlockType::large_item:
                if (!read_large(reader, head->length, store, now))
                    return !reader.problem().empty() ? false : damaged();
                continue;
            case BlockType::end:
                if (!reader.read_payload(payload)) return false;
                if (payload.size() != sizeof items_ ||
                    lib::load_little<std::uint64_t>(payload.data()) != items_)
                    return damaged();
                return reader.is_at_end();
            case BlockType::header:
            case BlockType::replication:
                break;
        }
        return damaged();
    }
    return false;
}

bool MemoryFile::is_believed(const storage::SavedItem& item) {
    if (storage::time_of(item.version) <= last_time_) return true;
    problem_ = too_far_ahead;
    return false;
}

// Values point into the block; the store copies what it keeps.
bool MemoryFile::read_block(std::string_view payload, storage::Store& store,
                            const storage::Now& now) {
    while (!payload.empty()) {
        auto head = storage::read_head(payload);
        if (!head || payload.size() - head->head_bytes < head->value_bytes) return false;
        if (!is_believed(head->item)) return false;
        head->item.value = payload.substr(head->head_bytes, head->value_bytes);
        ++items_;
        if (store.restore(head->item, now) != storage::RestoreOutcome::restored) ++dropped_;
        payload.remove_prefix(head->head_bytes + head->value_bytes);
    }
    return true;
}

// The item enters the store when its sum is known to be right, not before.
bool MemoryFile::read_large(BlockReader& reader, std::uint64_t length, storage::Store& store,
                            const storage::Now& now) {
    std::array<char, storage::saved_item_head_most> bytes{};
    constexpr auto least = storage::saved_item_fixed_bytes;
    if (length < least || !reader.read({bytes.data(), least})) return false;
    const auto head_bytes = storage::head_size({bytes.data(), least});
    if (head_bytes > bytes.size() || head_bytes > length) return false;
    if (!reader.read({bytes.data() + least, head_bytes - least})) return false;
    const auto head = storage::read_head({bytes.data(), head_bytes});
    if (!head || head->value_bytes != length - head_bytes) return false;
    if (!is_believed(head->item)) return false;
    ++items_;
    auto value = store.is_large(head->value_bytes) ? store.reserve(head->value_bytes, now)
                                                   : storage::ValueReservation();
    if (value) {
        if (!reader.read(value.bytes()) || !reader.is_sound()) return false;
        const auto outcome = store.restore(head->item, now, std::move(value));
        if (outcome != storage::RestoreOutcome::restored) ++dropped_;
        return true;
    }
    // No memory for it all at once, or it is no large one here: the store decides.
    std::string text(head->value_bytes, '\0');
    if (!reader.read(text) || !reader.is_sound()) return false;
    auto item = head->item;
    item.value = text;
    if (store.restore(item, now) != storage::RestoreOutcome::restored) ++dropped_;
    return true;
}

// --- saving ------------------------------------------------------------------------------------

void MemoryFile::save(const Parts& parts, const ClockReading& clocks, const storage::Now& now) {
    const auto start = steady_clock::now();
    MemoryHeader header;
    header.node = node_of(parts.replicator);
    header.hash_check = app::hash_check_of(parts.store);
    header.clocks = clocks;
    header.steady_ms = now.steady_ms;
    std::string problem;
    bool had_memory = lib::has_memory_for([&] { problem = try_save(parts, header); });
    if (had_memory && problem.empty() && std::rename(unfinished_.c_str(), path_.c_str()) != 0)
        had_memory = lib::has_memory_for([&] { problem = std::strerror(errno); });
    if (!had_memory || !problem.empty()) {
        (void)::unlink(unfinished_.c_str());
        return log_.error("memory file {}: not saved, the next start will be empty: {}", path_,
                          had_memory ? view_of(problem) : no_memory);
    }
    log_.info("memory file {}: {} items, {} MiB, saved in {} ms", path_, items_,
              written_bytes_ >> 20, ms_since(start));
}

// Empty if it could be written.
std::string MemoryFile::try_save(const Parts& parts, const MemoryHeader& header) {
    (void)::unlink(unfinished_.c_str());
    const int file =
        ::open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | file_flags, owner_only);
    if (file < 0) return std::strerror(errno);
    BlockWriter writer(file, deadline());
    bool is_written = false;
    const bool had_memory =
        lib::has_memory_for([&] { is_written = write_everything(writer, parts, header); });
    written_bytes_ = writer.bytes();
    if (::close(file) != 0 && is_written) return std::strerror(errno);
    if (!had_memory) return std::string(no_memory);
    return is_written ? std::string() : writer.problem();
}

bool MemoryFile::write_everything(BlockWriter& writer, const Parts& parts,
                                  const MemoryHeader& header) {
    // First, for it may still change what the store's items mean to the peer.
    const auto remembered = parts.replicator.remember(parts.store);
    auto complete = header;
    complete.registers = parts.store.registers();
    if (!writer.write_raw(saved_magic)) return false;
    if (!writer.write(BlockType::header, {bytes_of(complete)})) return false;
    if (!writer.write(BlockType::replication, {remembered})) return false;
    items_ = 0;
    std::string block;
    block.reserve(block_bytes + large_bytes + storage::saved_item_head_most);
    std::array<char, storage::saved_item_head_most> head{};
    bool is_written = true;
    const auto write = [&](const storage::SavedItem& item) {
        const std::string_view begin(head.data(), storage::write_head(item, head.data()));
        ++items_;
        if (item.value.size() > large_bytes)
            return writer.write(BlockType::large_item, {begin, item.value});
        block.append(begin).append(item.value);
        if (block.size() < block_bytes) return true;
        const bool done = writer.write(BlockType::items, {block});
        block.clear();
        return done;
    };
    // No exception may pass through the store.
    bool had_memory = true;
    parts.store.save([&](const storage::SavedItem& item) {
        had_memory = lib::has_memory_for([&] { is_written = write(item); });
        return had_memory && is_written;
    });
    if (!had_memory) throw std::bad_alloc();
    if (!is_written) return false;
    if (!block.empty() && !writer.write(BlockType::items, {block})) return false;
    std::array<char, sizeof items_> count{};
    lib::store_little(count.data(), items_);
    return writer.write(BlockType::end, {std::string_view(count.data(), count.size())});
}

}  // namespace twincached::app
