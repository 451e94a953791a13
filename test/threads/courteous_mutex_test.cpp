#include "lib/courteous_mutex.hpp"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

using namespace twincached::lib;

TEST_CASE("who waits for a mutex gets it before the one in the background takes it again") {
    CourteousMutex mutex;
    for (int round = 0; round < 200; ++round) {
        bool had_its_turn = false;
        mutex.lock_after_another();
        std::thread foreground([&] {
            const ForegroundLock lock(mutex);
            had_its_turn = true;
        });
        while (!mutex.is_awaited())
            std::this_thread::yield();
        mutex.unlock();
        {
            const BackgroundLock again(mutex);
            CHECK(had_its_turn);
        }
        foreground.join();
    }
    CHECK_FALSE(mutex.is_awaited());
}

TEST_CASE("the background is not shut out by a foreground that never rests") {
    CourteousMutex mutex;
    bool is_over = false;
    const auto work = [&] {
        for (;;) {
            const ForegroundLock lock(mutex);
            if (is_over) return;
        }
    };
    std::thread first(work);
    std::thread second(work);
    for (int round = 0; round < 200; ++round)
        const BackgroundLock turn(mutex);
    {
        const BackgroundLock last(mutex);
        is_over = true;
    }
    first.join();
    second.join();
    CHECK(is_over);
}

TEST_CASE("everyone of the background goes on when the last of the foreground has had its turn") {
    constexpr int rounds = 3000;
    CourteousMutex mutex;
    int turns = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const ForegroundLock lock(mutex);
                std::this_thread::yield();
                ++turns;
            }
        });
    }
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const BackgroundLock lock(mutex);
                std::this_thread::yield();
                ++turns;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(turns == 5 * rounds);
}
