// OPENSSL_cleanse in place of libcrypto's: the same promise, a tenth of a poll's CPU time less.
//
// libssl calls it through the dynamic linker to wipe a buffer of 16 KiB after each answer (SSL_OP_CLEANSE_PLAINTEXT,
// SSL_MODE_RELEASE_BUFFERS), and libcrypto's version writes eight bytes at a time. The program's definition comes first in
// the linker's search, so it serves the libraries too. daemon/design/010-openssl-cleanse.md says what was measured, and
// tests/unit/net/openssl_cleanse_test.cpp that it is in force.

#include <cstddef>
#include <cstring>

extern "C" void OPENSSL_cleanse(void* memory, std::size_t size) {
    if (size != 0) {
        ::explicit_bzero(memory, size);
    }
}
