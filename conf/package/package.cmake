# The Debian package: `scripts/package.sh` makes it, of what `cmake --install` installs with prefix
# /usr. Its time stamps are SOURCE_DATE_EPOCH, so that the same commit gives the same file.
set(package_dir ${CMAKE_CURRENT_LIST_DIR})
find_program(GZIP gzip REQUIRED)
execute_process(COMMAND ${GZIP} -9nc ${package_dir}/changelog
                OUTPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz ${package_dir}/copyright
        DESTINATION ${CMAKE_INSTALL_FULL_DOCDIR})
install(FILES ${package_dir}/lintian-overrides DESTINATION ${CMAKE_INSTALL_FULL_DATADIR}/lintian/overrides
        RENAME twincached)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "the twincached developers <maintainers@users.noreply.r-seed-6fd399e9.example>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "memcached-compatible cache server that comes as a pair
Two nodes, both readable and writable, keep each other in step; either may die,
hang, be cut off or be upgraded. A node that returns refills itself from the
other before it opens its port. It takes memcached's and repcached's command
lines as they are; clients need no change.")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "haproxy, keepalived, prometheus")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${package_dir}/conffiles ${package_dir}/postinst
    ${package_dir}/prerm ${package_dir}/postrm)
include(CPack)
