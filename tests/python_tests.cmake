# kallglot_add_python_tests(<prefix> <file> <labels> <busy>): makes each test_... method of a file of unittest a test of ctest with the
# name <prefix>.<method>. A method marked `@alone` runs without other tests beside it. `@whole` adds the label `whole`: the method is
# too long for each `./dev test` and runs in `./dev faults`, which begins with it. `busy` marks all methods of the file as `@alone`.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(kallglot_add_python_tests prefix file labels busy)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    set(environment "KALLGLOT_BINARY_DIR=${PROJECT_BINARY_DIR};KALLGLOT_SANITIZED=${KALLGLOT_SANITIZE};PYTHONDONTWRITEBYTECODE=1")
    file(STRINGS "${file}" lines REGEX "^(class [A-Za-z0-9_]+.*:|    @(alone|whole)|    def test_[a-z0-9_]+.*:)$")
    set(marks "")
    foreach(line IN LISTS lines)
        if(line MATCHES "^class ([A-Za-z0-9_]+)")
            set(case "${CMAKE_MATCH_1}")
        elseif(line MATCHES "@([a-z]+)")
            list(APPEND marks "${CMAKE_MATCH_1}")
        elseif(line MATCHES "def test_([a-z0-9_]+)")
            set(test "${KALLGLOT_TEST_PREFIX}${prefix}.${CMAKE_MATCH_1}")
            add_test(NAME "${test}" WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
                COMMAND Python3::Interpreter "${file}" "${case}.test_${CMAKE_MATCH_1}")
            set_tests_properties("${test}" PROPERTIES LABELS "${labels}" TIMEOUT 150 ENVIRONMENT "${environment}"
                SKIP_REGULAR_EXPRESSION "OK \\(skipped=")
            if(busy OR "alone" IN_LIST marks)
                set_tests_properties("${test}" PROPERTIES RUN_SERIAL TRUE)
            endif()
            if("whole" IN_LIST marks)
                set_tests_properties("${test}" PROPERTIES LABELS "${labels};whole" TIMEOUT 900 COST 100)
            endif()
            set(marks "")
        endif()
    endforeach()
endfunction()
