// Asio, Asio's TLS and Beast, compiled once.
//
// Every other unit sees declarations only (BOOST_ASIO_SEPARATE_COMPILATION, BOOST_BEAST_SEPARATE_COMPILATION). That
// halves the time and the memory of a build. No code of the project belongs here.

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
