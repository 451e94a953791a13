// The way between two nodes, as a test can harm it. Any thread; what is harmed is harmed when the
// call returns.
#pragma once

namespace twincached::test {

class Network {
  public:
    virtual ~Network() = default;

    // Nothing gets through any more, in either direction, and nobody is told.
    virtual void cut() = 0;
    // What was held up by a cut goes on its way, late.
    virtual void mend() = 0;
    // Every connection breaks; both ends are told. What was on its way is lost, and what is said on
    // the next connection overtakes whatever an end has not read yet.
    virtual void tear() = 0;
};

}  // namespace twincached::test
