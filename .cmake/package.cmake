# The Debian package: `./dev package` builds it with CPack from the release preset.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kallglot-exporter)
set(CPACK_PACKAGE_VENDOR "kallglot_exporter maintainers")
set(CPACK_PACKAGE_CONTACT "kallglot_exporter maintainers <maintainers@kallglot-exporter.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Prometheus exporter for Kallglot voice sessions")
set(CPACK_PACKAGE_DESCRIPTION
"Tracks every registered live voice-translation session by polling the Kallglot
API, and reports stuck sessions to Prometheus within seconds and without false
alarms. Comes with alerts, runbooks, a dashboard and a simulated API.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libnghttp2: with older revisions an API server can abort the process (CVE-2026-27135).
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, libnghttp2-14 (>= 1.52.0-1+deb12u3)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, prometheus-alertmanager")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian "${PROJECT_SOURCE_DIR}/.cmake/debian")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${debian}/conffiles" "${debian}/postinst" "${debian}/prerm" "${debian}/postrm")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

include(CPack)
