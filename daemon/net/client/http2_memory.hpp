/// The memory of one HTTP/2 session of nghttp2: bounded, and wiped before it is freed.
///
/// Frame buffers hold the API key, and tables hold the fields of answers. nghttp2 itself has no limit for its memory.

#ifndef KALLGLOT_NET_CLIENT_HTTP2_MEMORY_HPP
#define KALLGLOT_NET_CLIENT_HTTP2_MEMORY_HPP

#include <nghttp2/nghttp2.h>

#include <cstddef>

namespace kallglot {

/// Loop only. Lifetime: outlives its session.
class http2_memory {
public:
    http2_memory() noexcept;
    http2_memory(const http2_memory&) = delete;
    http2_memory& operator=(const http2_memory&) = delete;

    /// For nghttp2_session_client_new3().
    [[nodiscard]] nghttp2_mem* native() noexcept { return &native_; }

    /// Bytes in use.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// A session that needs more gets no memory, and ends.
    std::size_t max_size_bytes = 1024 * 1024;

private:
    static void* allocate(std::size_t bytes, void* self) noexcept;
    static void* allocate_zeros(std::size_t count, std::size_t bytes, void* self) noexcept;
    static void* reallocate(void* old, std::size_t bytes, void* self) noexcept;
    static void release(void* block, void* self) noexcept;

    nghttp2_mem native_;
    std::size_t size_ = 0;
};

} // namespace kallglot

#endif
