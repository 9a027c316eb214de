/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_child: the process in which reports of strangers are unpacked and
 * parsed. It has one descriptor, a memory limit, and a sandbox that lets it
 * talk over that descriptor and nothing else.
 *
 * First it says DIGEST_READY, once its sandbox is closed: whatever goes wrong
 * before is not a report's fault. Then it reads a batch of netstrings: how many
 * reports there are (in decimal), and of each when it was received (seconds
 * UTC) and its raw bytes. It reads them all before it writes, so that both
 * sides never write at once; answers them in order; and ends.
 *
 * While it checks a mail's signatures it may ask for keys, for each once and
 * DIGEST_KEYS_MAX times at most for each mail:
 *     {"status": "key", "name": "selector._domainkey.x.example"}
 * and is told
 *     {"status": "ok", "text": "v=DKIM1; p=..."}
 * or a status of "notfound" or "temp". The answer is a netstring with
 *     {"status": "ok", "reports": 2, "quirks": ["bom,mx-host-string", ""],
 *      "submitter": "x.example",
 *      "dkim": [{"result": "pass", "domain": "x.example", "reason": ""}]}
 * and as many netstrings as it says, each a normalised report; what is no mail
 * has no member dkim. Or the answer is
 *     {"status": "invalid", "error": "line 1, column 7: ..."}
 * where status is "invalid" or "limit".
 */
#pragma once

#include <stddef.h>

#include "proto/tlsrpt_limits.h"

#define DIGEST_READY "ready"

/* What one batch holds: so many reports, or bytes of them; or one report. */
#define DIGEST_BATCH_REPORTS 64u
#define DIGEST_BATCH_BYTES ((size_t)1 << 20)

/* Questions about one report. */
#define DIGEST_KEYS_MAX 16

/* What the head of an answer may measure. */
#define DIGEST_HEAD_MAX ((size_t)1 << 20)

/* Normalised, a report can be longer: spelt-out escapes, default members. */
#define DIGEST_REPORT_MAX (8u * (size_t)TLSRPT_JSON_BYTES_MAX)

/* Reads a batch from fd and answers it; the exit code. */
int digest_child_main(int fd);
