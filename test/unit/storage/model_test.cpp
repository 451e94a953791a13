// A random walk over everything that a store can do, beside a map that knows the truth. The store
// is small, so it evicts all the time: it may miss, but never lie.
//
// TWINCACHED_SEED repeats a run, TWINCACHED_STEPS makes it longer.

#include "lib/random.hpp"
#include "test/unit/rounds.hpp"
#include "test/unit/storage/store_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

namespace twincached::storage {

namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Truth {
    std::string value;
    std::uint32_t client_flags = 0;
    Expiry expiry;
    std::uint64_t cas = 0;
};

class Model {
  public:
    Model(std::uint64_t seed, const StoreOptions& options)
        : fixture(options), random(seed), node(options.node) {}

    void step() {
        const std::string key = random_key();
        const bool is_paired = node.has_value();
        switch (random.below(24)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
                set(key);
                break;
            case 6:
            case 7:
            case 8:
            case 9:
            case 10:
                check(key);
                break;
            case 11:
                join(key, WriteMode::append);
                break;
            case 12:
                join(key, WriteMode::prepend);
                break;
            case 13:
                remove(key);
                break;
            case 14:
                touch(key);
                break;
            case 15:
                count(key);
                break;
            case 16:
                compare(key);
                break;
            case 17:
                conditional(key);
                break;
            case 18:
                invalidate(key);
                break;
            case 19:
                if (is_paired) apply_remote(key);
                break;
            case 20:
                vivify(key);
                break;
            case 21:
                if (random.one_in(20)) fixture.advance_seconds(1);
                break;
            case 22:
                fixture.store.maintain(fixture.now);
                break;
            case 23:
                if (random.one_in(400)) flush();
                break;
            default:
                break;
        }
        check_sums();
    }

    // Asked after every step: Catch, which costs more than the step, is told of what fails alone.
    void check_sums() {
        const StoreStats stats = fixture.store.stats();
        const auto parts =
            stats.slab_bytes + stats.index_bytes + stats.ghost_bytes + stats.extent_bytes;
        if (stats.memory_used > stats.memory_limit)
            REQUIRE(stats.memory_used <= stats.memory_limit);
        if (stats.memory_used != parts) REQUIRE(stats.memory_used == parts);
        if (fixture.sink.contradictions != 0) REQUIRE(fixture.sink.contradictions == 0);
    }

    // Everything that the store holds is true, and is what the sink was told of.
    void check_all() {
        std::map<std::string, Version> held;
        std::uint64_t items = 0;
        std::optional<Store::Cursor> cursor = Store::Cursor{};
        std::vector<KeptItem> copies;  // the store must not be called by a visitor
        while (cursor) {
            cursor = fixture.store.walk(*cursor, 10, fixture.now, [&](const ItemView& item) {
                copies.push_back(KeptItem::of(item));
                ++items;
            });
        }
        for (const KeptItem& item : copies) {
            if (item.version == 0) continue;
            held[item.key] = item.version;
            verify(item.key, item);
        }
        for (const auto& [key, version] : held)
            REQUIRE(fixture.sink.versions.at(key) == version);
        // What the sink knows of and the walk did not see has expired or was flushed, and waits.
        for (const auto& [key, version] : fixture.sink.versions)
            if (!held.contains(key)) REQUIRE_FALSE(fixture.peek(key));
        REQUIRE(fixture.store.stats().total.items >= items);
    }

    StoreFixture fixture;
    lib::Random random;
    std::optional<unsigned> node;

  private:
    std::string random_key() {
        std::string key = "key:" + std::to_string(random.below(random.one_in(3) ? 50 : 4000));
        if (key.size() % 3 == 0) key += std::string(40, 'k');
        return key;
    }
    std::string random_value() {
        const std::uint64_t sizes[] = {0, 8, 60, 300, 1000, 4000, 9000, 40'000, 300'000};
        const std::uint64_t size = random.below(sizes[random.below(random.one_in(10) ? 9 : 6)] + 1);
        std::string value(size, ' ');
        for (std::size_t i = 0; i < size; i += 7)
            value[i] = static_cast<char>(random.next());
        return value;
    }
    Expiry random_expiry() {
        const unsigned seconds[] = {1, 3, 20, 400, 5000, 100'000};
        if (random.one_in(2)) return Expiry::never();
        if (random.one_in(30)) return Expiry::past();
        return fixture.in_seconds(seconds[random.below(6)]);
    }
    bool is_gone(const Truth& truth) const { return truth.expiry.is_past(fixture.now.tick()); }

    void verify(const std::string& key, const KeptItem& item) {
        const auto truth = truths.find(key);
        REQUIRE(truth != truths.end());
        REQUIRE_FALSE(is_gone(truth->second));
        REQUIRE(item.value == truth->second.value);
        REQUIRE(item.client_flags == truth->second.client_flags);
        REQUIRE(item.expiry == truth->second.expiry);
        REQUIRE(item.cas == truth->second.cas);
        REQUIRE(item.version > fixture.store.flush_version());
    }
    std::optional<KeptItem> check(const std::string& key) {
        const auto item = fixture.get(key);
        if (item && item->version != 0) verify(key, *item);
        return item && item->version != 0 ? item : std::nullopt;
    }
    void stored(const std::string& key, const WriteResult& result, Truth truth) {
        truths.erase(key);
        truth.cas = result.cas;
        if (result.outcome == WriteOutcome::stored && !is_gone(truth)) truths[key] = truth;
    }

    void set(const std::string& key) {
        Truth truth{random_value(), static_cast<std::uint32_t>(random.below(3)), random_expiry(),
                    0};
        Write write;
        write.client_flags = truth.client_flags;
        write.expiry = truth.expiry;
        if (random.one_in(20)) write.explicit_cas = random.next();
        WriteResult result;
        ValueReservation place;
        if (fixture.store.is_large(truth.value.size()) && random.one_in(2))
            place = fixture.store.reserve(truth.value.size(), fixture.now);
        if (place) {
            std::copy(truth.value.begin(), truth.value.end(), place.bytes().begin());
            result =
                fixture.store.write(fixture.store.key(key), fixture.now, write, std::move(place));
        } else {
            result = fixture.set(key, truth.value, write);
        }
        if (result.outcome == WriteOutcome::stored && write.explicit_cas && !is_gone(truth))
            REQUIRE(result.cas == *write.explicit_cas);
        stored(key, result, truth);
        if (result.outcome != WriteOutcome::stored) REQUIRE_FALSE(fixture.get(key));
    }
    void join(const std::string& key, WriteMode mode) {
        const auto before = check(key);
        Write write;
        write.mode = mode;
        const std::string more = random_value();
        const WriteResult result = fixture.set(key, more, write);
        if (result.outcome != WriteOutcome::stored) return;
        if (!before) {  // a stub
            stored(key, result, {more, 0, fixture.get(key)->expiry, 0});
            return;
        }
        Truth truth = truths.at(key);
        truth.value = mode == WriteMode::append ? truth.value + more : more + truth.value;
        REQUIRE(result.size == truth.value.size());
        stored(key, result, truth);
    }
    void remove(const std::string& key) {
        const bool was_there = fixture.peek(key).has_value();
        const RemoveResult result = fixture.remove(key);
        REQUIRE((result.outcome == RemoveOutcome::removed) == was_there);
        REQUIRE_FALSE(fixture.get(key));
        truths.erase(key);
    }
    void touch(const std::string& key) {
        const Expiry expiry = random_expiry();
        const ReadResult result = fixture.store.touch(fixture.store.key(key), fixture.now, expiry);
        if (result.hit() && truths.contains(key)) truths[key].expiry = expiry;
    }
    void count(const std::string& key) {
        Arithmetic request;
        request.delta = random.below(1000);
        request.decrement = random.one_in(2);
        request.initial = random.next();
        if (random.one_in(2)) request.vivify = Expiry::never();
        const auto before = check(key);
        const ArithmeticResult result = fixture.add(key, request);
        if (result.outcome != ArithmeticOutcome::done) return;
        Truth truth;
        if (before) truth = truths.at(key);
        const std::size_t length = truth.value.size();
        truth.value = std::to_string(result.number);
        if (truth.value.size() < length) truth.value.resize(length, ' ');
        truth.cas = result.cas;
        truths[key] = truth;
    }
    void compare(const std::string& key) {
        const auto before = check(key);
        Truth truth{random_value(), 5, Expiry::never(), 0};
        Write write;
        write.client_flags = 5;
        const bool right = random.one_in(2);
        write.compare_cas = before ? before->cas + (right ? 0 : 1) : 77;
        const WriteResult result = fixture.set(key, truth.value, write);
        if (!before && !fixture.peek(key)) REQUIRE(result.outcome != WriteOutcome::exists);
        if (before && !right) {
            REQUIRE(result.outcome == WriteOutcome::exists);
            return;
        }
        if (result.outcome == WriteOutcome::stored) REQUIRE(before);
        if (before) stored(key, result, truth);
    }
    void conditional(const std::string& key) {
        const bool was_there = fixture.peek(key).has_value();
        Truth truth{random_value(), 0, Expiry::never(), 0};
        Write write;
        write.mode = random.one_in(2) ? WriteMode::add : WriteMode::replace;
        const WriteResult result = fixture.set(key, truth.value, write);
        if ((write.mode == WriteMode::add) == was_there)
            REQUIRE(result.outcome == WriteOutcome::not_stored);
        else
            stored(key, result, truth);
    }
    void invalidate(const std::string& key) {
        const auto before = check(key);
        Remove request;
        request.invalidate = random.one_in(2);
        request.clear = !request.invalidate;
        if (random.one_in(3)) request.explicit_cas = random.next();
        if (!before) return;
        const RemoveResult result = fixture.remove(key, request);
        if (result.outcome != RemoveOutcome::removed) return;
        const auto after = fixture.peek(key);
        if (!after) {
            truths.erase(key);
            return;
        }
        REQUIRE(after->stale == request.invalidate);
        Truth& truth = truths.at(key);
        if (request.clear) truth = {"", 0, Expiry::never(), 0};
        truth.cas = after->cas;
    }
    void apply_remote(const std::string& key) {
        Record record;
        const Version version =
            ((fixture.now.version_ms << 10) + random.below(2000)) << 13 | 1 << 11;
        if (random.one_in(4)) {
            const Key hashed = fixture.store.key(key);
            const auto before = fixture.peek(key);
            fixture.store.with_shard(fixture.store.shard_of(hashed.hash), [&](Shard& shard) {
                const auto outcome = shard.apply_delete(hashed, version, fixture.now);
                if (outcome == ApplyOutcome::applied) truths.erase(key);
                if (outcome == ApplyOutcome::outdated && before)
                    REQUIRE((before->version >= version || shard.flush_version() >= version));
            });
            return;
        }
        Truth truth{random_value(), 3, random_expiry(), cas_of(version)};
        record.client_flags = 3;
        record.expiry = truth.expiry;
        record.cold = random.one_in(2);
        const auto outcome = fixture.apply(key, version, truth.value, record);
        if (outcome == ApplyOutcome::outdated) return;
        truths.erase(key);
        if (outcome == ApplyOutcome::applied && !is_gone(truth)) truths[key] = truth;
        if (outcome == ApplyOutcome::no_memory) REQUIRE_FALSE(fixture.get(key));
    }
    void vivify(const std::string& key) {
        Read request;
        request.vivify = fixture.in_seconds(30);
        const ReadCopy copy = fixture.read(key, request);
        if (copy.item && copy.item->version != 0) verify(key, *copy.item);
        if (copy.marks.vivified) REQUIRE(copy.item->version == 0);
    }
    void flush() {
        fixture.store.flush(fixture.now);
        truths.clear();
        REQUIRE(fixture.walk_keys().empty());
    }

    std::map<std::string, Truth> truths;
};

void run(const StoreOptions& options) {
    const std::uint64_t seed = setting("TWINCACHED_SEED", std::random_device{}());
    const std::uint64_t steps = setting("TWINCACHED_STEPS", test::rounds(20'000, 5'000));
    INFO("TWINCACHED_SEED=" << seed);
    std::cout << "model: TWINCACHED_SEED=" << seed << '\n';
    Model model(seed, options);
    for (std::uint64_t i = 0; i < steps; ++i) {
        model.step();
        if (i % 2000 == 0) model.check_all();
    }
    model.check_all();
}

}  // namespace

TEST_CASE("whatever is done to it, a store never lies") {
    SECTION("with one shard") {
        run(small_store(3, 1));
    }
    SECTION("with four shards") {
        run(small_store(8, 4));
    }
    SECTION("where nothing may be evicted") {
        StoreOptions options = small_store(4, 2);
        options.evict = false;
        run(options);
    }
    SECTION("with memory for everything") {
        run(small_store(256, 2));
    }
    SECTION("alone, with the plain counter") {
        StoreOptions options = small_store(4, 2);
        options.node.reset();
        run(options);
    }
}

}  // namespace twincached::storage
