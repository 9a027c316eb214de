/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_body: the policies and failures of a report as one value of its row,
 * for they are only ever read together; for this folder only. See
 * docs/decisions/0015-report-body.md.
 */
#pragma once

#include "store/store.h"

/* More than a report of TLSRPT_JSON_BYTES_MAX comes to. */
#define REPORT_BODY_MAX ((size_t)32 << 20)

/*
 * *out: in a. ST_INVALID: a text is not UTF-8, or has a NUL; the lines of
 * policies and MX hosts may be anything. ST_LIMIT: longer than
 * REPORT_BODY_MAX.
 */
enum status report_body_write(struct arena *a,
	const struct store_report_policy *policies, size_t n, struct str *out,
	struct err *e);

/*
 * *out: in a, texts borrowed from body. ST_INVALID: no body, or of a later
 * version; ST_LIMIT: no memory.
 */
enum status report_body_read(struct arena *a, struct str body,
	struct store_report_policy **out, size_t *n);
