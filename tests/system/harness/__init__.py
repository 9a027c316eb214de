# SPDX-License-Identifier: Apache-2.0
"""harness: real servers, and moat itself, for the system tests. Every server
is a context manager that listens on loopback only and is stopped by its
process id. README.md shows a test."""
