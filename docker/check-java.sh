#!/usr/bin/env bash
# Says in one line what to install where there is no Java that this Spark runs on.
set -u
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\)[."].*/\1/p' | head -n 1)
case "$version" in
    17 | 21) ;;
    "") echo "Java 17 is needed and '$java' does not run: install a Java 17 JDK (openjdk-17-jdk) or set JAVA_HOME" >&2; exit 1 ;;
    *) echo "Java 17 is needed, '$java' is Java $version: install a Java 17 JDK (openjdk-17-jdk) or set JAVA_HOME" >&2; exit 1 ;;
esac
