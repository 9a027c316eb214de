/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_child: the process in which reports of strangers are unpacked and
 * parsed. It has one descriptor, a memory limit, and a sandbox that lets it
 * talk over that descriptor and nothing else.
 *
 * First it says DIGEST_READY, once its sandbox is closed: whatever goes wrong
 * before is not a report's fault.
 *
 * A request is one netstring, the raw bytes. The answer is a netstring with
 *     {"status": "ok", "reports": 2, "quirks": ["bom,mx-host-string", ""]}
 * and as many netstrings as it says, each a normalised report; or
 *     {"status": "invalid", "error": "line 1, column 7: ..."}
 * where status is "invalid" or "limit".
 */
#pragma once

#include <stddef.h>

#include "proto/tlsrpt_limits.h"

/* moatd --role DIGEST_CHILD, with the channel as standard input. */
#define DIGEST_CHILD "digest-child"

#define DIGEST_READY "ready"

/* What the head of an answer may measure. */
#define DIGEST_HEAD_MAX ((size_t)1 << 20)

/* Normalised, a report can be longer: spelt-out escapes, default members. */
#define DIGEST_REPORT_MAX (8u * (size_t)TLSRPT_JSON_BYTES_MAX)

/* Serves requests on fd until its end of file; the exit code. */
int digest_child_main(int fd);
