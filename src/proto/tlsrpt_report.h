/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_report: the TLS report of RFC 8460 section 4 as plain data in an
 * arena, a lenient reader for what senders really write, and a writer that
 * spells it as the RFC does. The strict judge is tlsrpt_report_lint.h.
 *
 * Text members that are absent (or null, or empty) have p == NULL. All text is
 * valid UTF-8 from strangers: escape it before it reaches a log or a terminal.
 *
 * The counts of the policies of one report are never added up to a number of
 * sessions: a sender that tried both STS and DANE counts a session under each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/tlsrpt_limits.h"

/* Section 4.2 and 4.4. */
enum tlsrpt_policy_type {
	TLSRPT_POLICY_OTHER, /* unknown: see type_text */
	TLSRPT_POLICY_STS,
	TLSRPT_POLICY_TLSA,
	TLSRPT_POLICY_NONE, /* no-policy-found */
};

/* Section 4.3; IANA "STARTTLS Validation Result Types". */
enum tlsrpt_result {
	TLSRPT_RESULT_OTHER, /* unknown: see result_text */
	TLSRPT_STARTTLS_NOT_SUPPORTED,
	TLSRPT_CERTIFICATE_HOST_MISMATCH,
	TLSRPT_CERTIFICATE_EXPIRED,
	TLSRPT_CERTIFICATE_NOT_TRUSTED,
	TLSRPT_VALIDATION_FAILURE,
	TLSRPT_TLSA_INVALID,
	TLSRPT_DNSSEC_INVALID,
	TLSRPT_DANE_REQUIRED,
	TLSRPT_STS_POLICY_FETCH_ERROR,
	TLSRPT_STS_POLICY_INVALID,
	TLSRPT_STS_WEBPKI_INVALID,
	TLSRPT_RESULTS, /* how many */
};

struct tlsrpt_strings {
	struct str *items;
	size_t n, cap;
};

struct tlsrpt_failure {
	enum tlsrpt_result result;
	struct str result_text; /* the RFC's spelling if known, else as sent */
	struct str sending_mta_ip;
	struct str receiving_mx_hostname;
	struct str receiving_mx_helo; /* the first line */
	struct str receiving_ip;
	struct str additional_information; /* never fetch it */
	struct str failure_reason_code;
	int64_t failed_sessions;
};

struct tlsrpt_failures {
	struct tlsrpt_failure *items;
	size_t n, cap;
};

struct tlsrpt_policy {
	enum tlsrpt_policy_type type;
	struct str type_text; /* the RFC's spelling if known, else as sent */
	struct tlsrpt_strings lines; /* policy-string */
	struct str domain;	     /* lower case, no dot at the end */
	struct tlsrpt_strings mx_hosts;
	int64_t successful_sessions, failed_sessions;
	struct tlsrpt_failures failures;
};

struct tlsrpt_policies {
	struct tlsrpt_policy *items;
	size_t n, cap;
};

/*
 * What the reader met and put up with: each is a departure from RFC 8460 seen
 * in reports of real senders. tlsrpt_quirk_name and _text tell them apart.
 */
enum tlsrpt_quirk {
	/* the text */
	TLSRPT_QUIRK_BOM,
	TLSRPT_QUIRK_BAD_UTF8,
	TLSRPT_QUIRK_DUPLICATE_NAME,
	TLSRPT_QUIRK_WRONG_TYPE,
	TLSRPT_QUIRK_EMPTY_MEMBER,
	TLSRPT_QUIRK_TEXT_CUT,
	/* the report */
	TLSRPT_QUIRK_ORGANIZATION_MISSING,
	TLSRPT_QUIRK_CONTACT_MISSING,
	TLSRPT_QUIRK_CONTACT_MAILTO,
	TLSRPT_QUIRK_CONTACT_NO_ADDRESS,
	TLSRPT_QUIRK_REPORT_ID_MISSING,
	TLSRPT_QUIRK_REPORT_ID_ODD,
	TLSRPT_QUIRK_DATE_MISSING,
	TLSRPT_QUIRK_DATE_INVALID,
	TLSRPT_QUIRK_DATE_NO_ZONE,
	TLSRPT_QUIRK_END_MIDNIGHT,
	TLSRPT_QUIRK_END_BEFORE_START,
	TLSRPT_QUIRK_NOT_ONE_DAY,
	TLSRPT_QUIRK_POLICIES_EMPTY,
	TLSRPT_QUIRK_POLICIES_OBJECT,
	/* a policy */
	TLSRPT_QUIRK_POLICY_UNWRAPPED,
	TLSRPT_QUIRK_POLICY_TYPE_MISSING,
	TLSRPT_QUIRK_POLICY_TYPE_CASE,
	TLSRPT_QUIRK_POLICY_TYPE_UNKNOWN,
	TLSRPT_QUIRK_POLICY_STRING_STRING,
	TLSRPT_QUIRK_POLICY_STRING_JSON,
	TLSRPT_QUIRK_POLICY_STRING_CR,
	TLSRPT_QUIRK_POLICY_STRING_NO_SPACE,
	TLSRPT_QUIRK_DOMAIN_MISSING,
	TLSRPT_QUIRK_DOMAIN_SPELLING,
	TLSRPT_QUIRK_DOMAIN_INVALID,
	TLSRPT_QUIRK_MX_HOST_STRING,
	TLSRPT_QUIRK_MX_HOST_PREFIX,
	TLSRPT_QUIRK_MX_HOST_KEY,
	TLSRPT_QUIRK_COUNT_MISSING,
	TLSRPT_QUIRK_COUNT_STRING,
	TLSRPT_QUIRK_COUNT_FLOAT,
	TLSRPT_QUIRK_COUNT_INVALID,
	/* a failure */
	TLSRPT_QUIRK_FAILURES_OBJECT,
	TLSRPT_QUIRK_FAILURES_SUM,
	TLSRPT_QUIRK_RESULT_MISSING,
	TLSRPT_QUIRK_RESULT_CASE,
	TLSRPT_QUIRK_RESULT_UNKNOWN,
	TLSRPT_QUIRK_IP_DECORATED,
	TLSRPT_QUIRK_IP_INVALID,
	TLSRPT_QUIRK_RECEIVING_MX_KEY,
	TLSRPT_QUIRK_HELO_LINES,
	TLSRPT_QUIRK_INFO_KEY,
	TLSRPT_QUIRK_INFO_OBJECT,
	TLSRPT_QUIRK_INFO_NO_URI,
	TLSRPT_QUIRK_REASON_KEY,
	TLSRPT_QUIRKS, /* how many */
};

struct tlsrpt_deviation {
	enum tlsrpt_quirk quirk;
	uint32_t line, column; /* in the JSON text; 0 if it has no place */
};

struct tlsrpt_deviations {
	struct tlsrpt_deviation *items; /* TLSRPT_QUIRKS_MAX at most */
	size_t n, cap;
};

struct tlsrpt_report {
	struct str organization;
	struct str contact; /* without "mailto:" */
	struct str id;
	struct unix_time start, end;
	bool has_start, has_end;
	struct tlsrpt_policies policies;
	struct tlsrpt_deviations deviations;
};

/* What stood around the report, for members it leaves out (or all empty). */
struct tlsrpt_hints {
	struct str domain;    /* of TLS-Report-Domain, file name or Subject */
	struct str submitter; /* of TLS-Report-Submitter or From */
};

/*
 * Reads one report (JSON text, TLSRPT_JSON_BYTES_MAX at most) into a. hints may
 * be NULL. Every departure that can be understood is noted, not refused.
 * ST_INVALID: not JSON, or no TLS report at all (err has line and column);
 * ST_LIMIT: a cap of tlsrpt_limits.h, or memory.
 */
enum status tlsrpt_report_read(struct arena *a, struct str text,
	const struct tlsrpt_hints *hints, struct tlsrpt_report **out,
	struct err *e);

/*
 * Writes r in the RFC's key names (section 4.4). Reading that again gives r
 * back, without deviations other than what r lacks.
 */
void tlsrpt_report_write(struct json_writer *w, const struct tlsrpt_report *r);

/* "sts"; "" for TLSRPT_POLICY_OTHER. */
const char *tlsrpt_policy_type_name(enum tlsrpt_policy_type type);
enum tlsrpt_policy_type tlsrpt_policy_type_of(struct str name);

/* "certificate-expired"; "" for TLSRPT_RESULT_OTHER. */
const char *tlsrpt_result_name(enum tlsrpt_result result);
enum tlsrpt_result tlsrpt_result_of(struct str name);

/* "mx-host-string", and a sentence about it. */
const char *tlsrpt_quirk_name(enum tlsrpt_quirk quirk);
const char *tlsrpt_quirk_text(enum tlsrpt_quirk quirk);

/* a + b, or INT64_MAX where that overflows. */
int64_t tlsrpt_count_add(int64_t a, int64_t b);
