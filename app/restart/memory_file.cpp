#include "app/restart/memory_file.hpp"

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
#include <stdexcept>
#include <system_error>
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
constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::size_t header_numbers = 10;

std::string_view view_of(const std::string& text) noexcept {
    return text;
}

std::string bytes_of(const MemoryHeader& header) {
    const auto& registers = header.registers;
    const std::array<std::uint64_t, header_numbers> numbers{
        header.node,
        header.hash_check,
        static_cast<std::uint64_t>(header.clocks.boot_ns),
        static_cast<std::uint64_t>(header.clocks.real_ns),
        header.steady_ms,
        registers.version_time,
        registers.flush_version,
        registers.schedule.at_steady_ms,
        registers.schedule.version,
        registers.schedule_is_own ? 1U : 0U};
    std::string bytes(sizeof numbers, '\0');
    for (std::size_t i = 0; i < numbers.size(); ++i)
        lib::store_little(bytes.data() + i * sizeof numbers[i], numbers[i]);
    return bytes;
}

std::optional<MemoryHeader> header_of(std::string_view bytes) noexcept {
    std::array<std::uint64_t, header_numbers> numbers{};
    if (bytes.size() != sizeof numbers) return std::nullopt;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = lib::load_little<std::uint64_t>(bytes.data() + i * sizeof numbers[i]);
    MemoryHeader header;
    header.node = numbers[0];
    header.hash_check = numbers[1];
    header.clocks.boot_ns = static_cast<std::int64_t>(numbers[2]);
    header.clocks.real_ns = static_cast<std::int64_t>(numbers[3]);
    header.steady_ms = numbers[4];
    header.registers.version_time = numbers[5];
    header.registers.flush_version = numbers[6];
    header.registers.schedule.at_steady_ms = numbers[7];
    header.registers.schedule.version = numbers[8];
    header.registers.schedule_is_own = numbers[9] != 0;
    return header;
}

constexpr std::string_view hash_question = "twincached: does this store hash as the saved one did?";

std::uint64_t hash_check_of(const storage::Store& store) noexcept {
    return store.key(hash_question).hash;
}

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

// The same machine knows how long it was from a clock that nobody sets; after a boot there is only
// the clock on the wall. Where they differ the longer time counts: items expire too early then, but
// never too late. Nothing if both have gone back.
std::optional<std::uint64_t> away_ms(const ClockReading& then, const ClockReading& now) noexcept {
    const auto longer = std::max(now.boot_ns - then.boot_ns, now.real_ns - then.real_ns);
    if (longer < 0) return std::nullopt;
    return static_cast<std::uint64_t>(longer / ns_per_ms);
}

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

MemoryFile::MemoryFile(std::string path, milliseconds limit, Log& log)
    : path_(std::move(path)), limit_(limit), log_(log) {
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
    (void)::unlink((path_ + ".new").c_str());
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail(path_, "it cannot be removed");
    mark_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | file_flags, owner_only);
    if (mark_ < 0) fail(path_, "it cannot be created");
    (void)::flock(mark_, LOCK_EX | LOCK_NB);
    // On a full disk it stays empty, which says nothing, but nothing wrong either.
    (void)!::write(mark_, mark_magic.data(), mark_magic.size());
    sync_folder_of(path_);
}

std::optional<MemoryFile::Saved> MemoryFile::refuse(std::string_view why) {
    log_.warning("memory file {}: refused: {}; starting empty", path_, why);
    reader_.reset();
    if (saved_ >= 0) ::close(std::exchange(saved_, -1));
    return std::nullopt;
}

std::optional<MemoryFile::Saved> MemoryFile::open(const ClockReading& clocks) {
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
    const auto away = away_ms(header->clocks, clocks);
    if (!away) return refuse("it was saved later than this machine's clock says it is now");
    return Saved{*header, *away};
}

bool MemoryFile::load(const Saved& saved, const Parts& parts, const storage::Now& now) {
    const auto start = steady_clock::now();
    const auto give_up = [this](std::string_view why) {
        (void)refuse(why);
        return false;
    };
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
    if (*recall == replication::Recall::anew) {
        log_.info(
            "memory file {}: it was saved by a node that was replicated in another way, or not at "
            "all: nothing is known of what others hold",
            path_);
    }
    reader_.reset();
    ::close(std::exchange(saved_, -1));
    return true;
}

bool MemoryFile::read_items(BlockReader& reader, storage::Store& store, const storage::Now& now) {
    std::string payload;
    const auto damaged = [this] {
        problem_ = "it is damaged: an item makes no sense";
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

bool MemoryFile::read_block(std::string_view payload, storage::Store& store,
                            const storage::Now& now) {
    while (!payload.empty()) {
        auto head = storage::read_head(payload);
        if (!head || payload.size() - head->head_bytes < head->value_bytes) return false;
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
    const auto unfinished = path_ + ".new";
    (void)::unlink(unfinished.c_str());
    const int file =
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | file_flags, owner_only);
    std::string problem = file < 0 ? std::strerror(errno) : "";
    std::uint64_t bytes = 0;
    if (file >= 0) {
        BlockWriter writer(file, deadline());
        if (!write_everything(writer, parts, header)) problem = writer.problem();
        bytes = writer.bytes();
        if (::close(file) != 0 && problem.empty()) problem = std::strerror(errno);
    }
    if (problem.empty() && std::rename(unfinished.c_str(), path_.c_str()) != 0)
        problem = std::strerror(errno);
    if (!problem.empty()) {
        (void)::unlink(unfinished.c_str());
        return log_.error("memory file {}: not saved, the next start will be empty: {}", path_,
                          problem);
    }
    log_.info("memory file {}: {} items, {} MiB, saved in {} ms", path_, items_, bytes >> 20,
              ms_since(start));
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
    parts.store.save([&](const storage::SavedItem& item) {
        const std::string_view begin(head.data(), storage::write_head(item, head.data()));
        ++items_;
        if (item.value.size() > large_bytes) {
            is_written = writer.write(BlockType::large_item, {begin, item.value});
            return is_written;
        }
        block.append(begin).append(item.value);
        if (block.size() < block_bytes) return true;
        is_written = writer.write(BlockType::items, {block});
        block.clear();
        return is_written;
    });
    if (!is_written) return false;
    if (!block.empty() && !writer.write(BlockType::items, {block})) return false;
    std::array<char, sizeof items_> count{};
    lib::store_little(count.data(), items_);
    return writer.write(BlockType::end, {std::string_view(count.data(), count.size())});
}

}  // namespace twincached::app
