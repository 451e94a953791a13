// A mutex that clang's thread-safety analysis understands. The macros here are the only ones in
// the project: an attribute cannot be spelled otherwise. With g++ they vanish.
#pragma once

#include <mutex>

#if defined(__clang__)
#define TWINCACHED_ATTRIBUTE(x) __attribute__((x))
#else
#define TWINCACHED_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) TWINCACHED_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY TWINCACHED_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) TWINCACHED_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) TWINCACHED_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) TWINCACHED_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) TWINCACHED_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) TWINCACHED_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace twincached::lib {

class CAPABILITY("mutex") Mutex {
  public:
    void lock() ACQUIRE() { mutex_.lock(); }
    bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }
    void unlock() RELEASE() { mutex_.unlock(); }

  private:
    std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
    ~MutexLock() RELEASE() { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

}  // namespace twincached::lib
