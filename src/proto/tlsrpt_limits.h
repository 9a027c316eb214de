/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_limits: every cap on the way of a TLS report into moat. */
#pragma once

/* One report as JSON text. Senders know a common limit of 10 MB (section 5.2)
 * on what they send, so more than this unpacked is no report. */
#define TLSRPT_JSON_BYTES_MAX (16u << 20)

/* A POST body or a mail, as it arrives. */
#define TLSRPT_RAW_BYTES_MAX (24u << 20)

/* gzip: beyond the first RATIO_FREE bytes, output per byte of input. */
#define TLSRPT_GZIP_RATIO_MAX 200u
#define TLSRPT_GZIP_RATIO_FREE_BYTES (1u << 20)

#define TLSRPT_JSON_DEPTH_MAX 16u
#define TLSRPT_JSON_NODES_MAX 300000u

#define TLSRPT_POLICIES_MAX 1000u
#define TLSRPT_FAILURES_MAX 20000u /* in one report */
#define TLSRPT_STRINGS_MAX 1000u   /* lines of a policy, or MX hosts */
#define TLSRPT_TEXT_MAX 2048u	   /* bytes of one text member; then cut */
#define TLSRPT_QUIRKS_MAX 100u	   /* noted in one report */

/* Sessions: integers beyond this are not exact in JSON (RFC 7493). */
#define TLSRPT_COUNT_MAX ((INT64_C(1) << 53) - 1)

/* Mail: MIME parts, nesting, report texts in one message. */
#define TLSRPT_MIME_PARTS_MAX 100u
#define TLSRPT_MIME_DEPTH_MAX 8u
#define TLSRPT_TEXTS_MAX 16u
/* Lines anywhere in it that look like a header field, or like a boundary. */
#define TLSRPT_MIME_FIELDS_MAX 5000u
#define TLSRPT_MIME_BOUNDARIES_MAX 2000u

/* The record at _smtp._tls: its text, its addresses, each of those. */
#define TLSRPT_RECORD_BYTES_MAX 4096u
#define TLSRPT_RUA_MAX 32u
#define TLSRPT_URI_BYTES_MAX 2048u
