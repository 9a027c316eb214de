/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_policy: the policy file of MTA-STS, RFC 8461 section 3.2 with errata 6253
 * (lines end in LF or CRLF) and 7282 (max_age has at most 10 digits).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

enum sts_mode { STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE };

enum sts_policy_outcome { STS_POLICY_INVALID, STS_POLICY_VALID };

struct sts_policy {
	enum sts_policy_outcome outcome;
	/* The rest is set only if VALID. */
	enum sts_mode mode;
	uint32_t max_age_s;
	struct str *mx; /* patterns, lower case, as sts_match wants them */
	size_t n_mx;
};

/*
 * Reads the whole file. INVALID with a sentence in why (may be NULL) when a
 * sender must not use it; that is ST_OK too. Unknown fields are ignored, of a
 * field given twice the first counts. ST_LIMIT: memory was used up.
 */
enum status sts_policy_parse(struct arena *a, struct str text,
	struct sts_policy *out, struct err *why);

/* Writes the file with CRLF line ends; the policy's fields must be valid. */
void sts_policy_write(struct sbuf *b, const struct sts_policy *policy);

/* "none", "testing", "enforce". */
const char *sts_mode_name(enum sts_mode mode);

/* ST_INVALID when s is no mode. */
enum status sts_mode_parse(struct str s, enum sts_mode *out);

/* One line of the file. */
enum sts_line_fault {
	STS_LINE_GOOD,
	STS_LINE_BLANK,
	STS_LINE_BOM, /* a byte order mark; only on the first line */
	STS_LINE_NUL,
	STS_LINE_CR, /* a CR that is not before an LF */
	STS_LINE_NO_COLON,
	STS_LINE_BAD_NAME, /* not 1-32 of letters, digits, "_-." */
	STS_LINE_NO_VALUE,
	STS_LINE_CONTROL, /* a tab or another control character */
	STS_LINE_BAD_UTF8,
};

struct sts_line {
	uint32_t number; /* from 1 */
	enum sts_line_fault fault;
	struct str text; /* without its line end */
	struct str name, value;
};

/*
 * Takes the next line off *rest and counts it: start with line->number = 0.
 * false at the end. The value has no white space around it.
 */
bool sts_line_next(struct str *rest, struct sts_line *line);

/* A phrase for a fault, behind "line 3: ". */
const char *sts_line_fault_text(enum sts_line_fault f);

/* ST_INVALID: not 1 to 10 digits; ST_LIMIT: more than a year (31557600). */
enum status sts_max_age_parse(struct str s, uint32_t *out);
