#include "app/logins/login_threads.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <semaphore>

namespace twincached::app {

TEST_CASE("so many logins are judged at a time, so many wait, and the next is refused") {
    std::counting_semaphore<> begun(0);
    std::counting_semaphore<> done(0);
    std::promise<void> verdict;
    const auto judged = verdict.get_future().share();
    LoginThreads threads;
    for (std::size_t i = 0; i < LoginThreads::threads; ++i)
        REQUIRE(threads.add([&begun, &done, judged] {
            begun.release();
            judged.wait();
            done.release();
        }));
    for (std::size_t i = 0; i < LoginThreads::threads; ++i)
        begun.acquire();
    for (std::size_t i = 0; i < LoginThreads::waiting_limit; ++i)
        REQUIRE(threads.add([&done] { done.release(); }));
    CHECK_FALSE(threads.add([] {}));
    verdict.set_value();
    for (std::size_t i = 0; i < LoginThreads::threads + LoginThreads::waiting_limit; ++i)
        done.acquire();
    CHECK(threads.add([&done] { done.release(); }));
    done.acquire();
}

TEST_CASE("the end waits for no login that hangs, and what waits behind it is not judged") {
    // The threads share them: they may live longer than this.
    const auto begun = std::make_shared<std::counting_semaphore<>>(0);
    const auto was_judged = std::make_shared<std::atomic<bool>>(false);
    std::promise<void> verdict;
    const auto judged = verdict.get_future().share();
    {
        LoginThreads threads;
        for (std::size_t i = 0; i < LoginThreads::threads; ++i)
            REQUIRE(threads.add([begun, judged] {
                begun->release();
                judged.wait();
                begun->release();
            }));
        for (std::size_t i = 0; i < LoginThreads::threads; ++i)
            begun->acquire();
        REQUIRE(threads.add([was_judged] { *was_judged = true; }));
    }
    verdict.set_value();
    for (std::size_t i = 0; i < LoginThreads::threads; ++i)
        begun->acquire();
    CHECK_FALSE(*was_judged);
}

}  // namespace twincached::app
