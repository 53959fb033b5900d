// Simulates a lack of descriptors, and says whether this build can do that.

#ifndef KALLGLOT_SUPPORT_NO_DESCRIPTORS_HPP
#define KALLGLOT_SUPPORT_NO_DESCRIPTORS_HPP

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace kallglot::test {

// UBSan opens a pipe when it first checks an object of a class, and reports the class as broken if it cannot. So only
// builds without UBSan run these tests.
inline constexpr bool sanitizer_needs_descriptors =
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

// The process can open no descriptor as long as this object lives.
class no_descriptors {
public:
    no_descriptors() {
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        const rlimit none{0, before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    }

    ~no_descriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

    no_descriptors(const no_descriptors&) = delete;
    no_descriptors& operator=(const no_descriptors&) = delete;

private:
    rlimit before_{};
};

} // namespace kallglot::test

#endif
