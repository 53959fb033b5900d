/// Buffers that all connections of the loop share.
///
/// A connection processes received bytes before anything else runs. So one set of buffers serves thousands of
/// connections, stays in the processor's cache, and is wiped in one place. No coroutine may use them across an await.

#ifndef KALLGLOT_NET_CLIENT_CONNECTION_SCRATCH_HPP
#define KALLGLOT_NET_CLIENT_CONNECTION_SCRATCH_HPP

#include "net/client/answer_reader.hpp"
#include "net/client/reader_stock.hpp"
#include "net/client/response_reader.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace kallglot {

/// Loop only.
struct connection_scratch {
    static constexpr std::size_t buffer_size = 16 * 1024;

    std::vector<char> input = std::vector<char>(buffer_size);     ///< from the socket
    std::vector<char> plaintext = std::vector<char>(buffer_size); ///< decrypted
    std::string output;                                           ///< to the socket

    reader_stock<response_reader> responses; ///< of HTTP/1.1
    reader_stock<answer_reader> answers;     ///< of HTTP/2
};

} // namespace kallglot

#endif
