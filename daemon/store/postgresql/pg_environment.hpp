/// Keeps the environment of the process out of libpq.
///
/// Some of libpq's variables have no keyword that overrides them: PGSERVICE and PGOPTIONS (an empty value counts as "not given"),
/// PGPASSWORD if there is no password, PGHOSTADDR beside a Unix socket, and PGTZ, PGDATESTYLE and PGGEQO, which have no keyword.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_ENVIRONMENT_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_ENVIRONMENT_HPP

namespace kallglot {

/// Proof that libpq finds nothing in the environment: what opens a connection takes one.
class pg_environment {
public:
    /// Removes every variable whose name begins with PG, and those by which Kerberos finds credentials.
    ///
    /// Executor: before the first other thread, because another thread may be reading the environment.
    [[nodiscard]] static pg_environment clear();

private:
    pg_environment() = default;
};

} // namespace kallglot

#endif
