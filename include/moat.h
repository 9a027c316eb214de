/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moat.h: MTA-STS (RFC 8461) and SMTP TLS reporting (RFC 8460) for programs
 * that send or receive mail. Link with -lmoat (pkg-config moat).
 *
 * These are pure functions: no I/O, no clock, no global state, safe to call
 * from any thread. What they read is from strangers; every input is capped.
 *
 * A *_read function gives a handle on MOAT_OK and leaves *out alone otherwise.
 * What the accessors return is borrowed from the handle and lives until its
 * *_free, which clears the pointer and accepts a NULL. Text is UTF-8 and ends
 * with a NUL; indexes begin at 0, and beyond the end give NULL.
 */
#ifndef MOAT_H
#define MOAT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MOAT_API __attribute__((visibility("default")))
#else
#define MOAT_API
#endif

enum moat_status {
	MOAT_OK = 0,
	MOAT_NONE = 1,	  /* there is no such record */
	MOAT_INVALID = 2, /* the error text says what rule it breaks */
	MOAT_LIMIT = 3	  /* larger than the library reads, or out of memory */
};

/* One sentence for people, such as "line 3: max_age is missing (RFC 8461 ...)".
 */
struct moat_error {
	char text[512];
};

/* The version of the library, for example "0.1.0". */
MOAT_API const char *moat_version(void);

/* ---- The TXT record at _mta-sts.DOMAIN, RFC 8461 section 3.1 ---- */

struct moat_sts_record;

/*
 * Selects the record among the n TXT records of the name, each with its strings
 * joined. MOAT_NONE and MOAT_INVALID (also: several records) both mean for a
 * sender that no policy is available; a cached policy stays in force.
 */
MOAT_API enum moat_status moat_sts_record_read(const char *const *txt, size_t n,
	struct moat_sts_record **out, struct moat_error *err);
MOAT_API void moat_sts_record_free(struct moat_sts_record **rec);

/* The id: compare for equality only. */
MOAT_API const char *moat_sts_record_id(const struct moat_sts_record *rec);

/* ---- The policy file, RFC 8461 section 3.2 ---- */

enum moat_mode {
	MOAT_MODE_NONE = 0,
	MOAT_MODE_TESTING = 1,
	MOAT_MODE_ENFORCE = 2
};

struct moat_policy;

/* Reads the n bytes of a policy file. */
MOAT_API enum moat_status moat_policy_read(const char *text, size_t n,
	struct moat_policy **out, struct moat_error *err);
MOAT_API void moat_policy_free(struct moat_policy **policy);

MOAT_API enum moat_mode moat_policy_mode(const struct moat_policy *policy);

/* Seconds, counted from the fetch. */
MOAT_API uint32_t moat_policy_max_age(const struct moat_policy *policy);

/* The mx patterns, lower case. */
MOAT_API size_t moat_policy_mx_count(const struct moat_policy *policy);
MOAT_API const char *moat_policy_mx(const struct moat_policy *policy, size_t i);

/*
 * 1 if the MX host matches one of the patterns (RFC 8461 section 4.1), else 0;
 * case and one trailing dot do not matter.
 */
MOAT_API int moat_policy_matches(
	const struct moat_policy *policy, const char *mx_host);

/* The same for one pattern. */
MOAT_API int moat_match(const char *mx_host, const char *pattern);

/* ---- The TXT record at _smtp._tls.DOMAIN, RFC 8460 section 3 ---- */

struct moat_tlsrpt_record;

/* As moat_sts_record_read. */
MOAT_API enum moat_status moat_tlsrpt_record_read(const char *const *txt,
	size_t n, struct moat_tlsrpt_record **out, struct moat_error *err);
MOAT_API void moat_tlsrpt_record_free(struct moat_tlsrpt_record **rec);

/* Where reports go: mailto: and https: URIs. */
MOAT_API size_t moat_tlsrpt_record_count(const struct moat_tlsrpt_record *rec);
MOAT_API const char *moat_tlsrpt_record_uri(
	const struct moat_tlsrpt_record *rec, size_t i);

/* ---- A TLS report, RFC 8460 section 4 ---- */

struct moat_report;

/*
 * Plain data; later versions may add members at the end, so use them by pointer
 * only. Text that the report lacks is NULL. A NUL inside a text ends it.
 */
struct moat_report_policy {
	const char *type; /* "sts", "tlsa", "no-policy-found" or as sent */
	const char *domain;
	int64_t successful_sessions;
	int64_t failed_sessions;
	size_t failure_count;
};

struct moat_report_failure {
	const char *result; /* "certificate-expired" and so on, or as sent */
	const char *sending_mta_ip;
	const char *receiving_mx_hostname;
	const char *receiving_ip;
	const char *failure_reason_code;
	int64_t failed_sessions;
};

/*
 * Reads the n bytes of one report (JSON, not compressed), leniently: what real
 * senders get wrong is put right where its meaning is clear. The counts of the
 * policies must not be added up: a session may count under more than one.
 */
MOAT_API enum moat_status moat_report_read(const char *json, size_t n,
	struct moat_report **out, struct moat_error *err);
MOAT_API void moat_report_free(struct moat_report **report);

MOAT_API const char *moat_report_organization(const struct moat_report *report);
MOAT_API const char *moat_report_contact(const struct moat_report *report);
MOAT_API const char *moat_report_id(const struct moat_report *report);

/* Seconds since 1970-01-01T00:00:00Z; 0 when the report does not say. */
MOAT_API int64_t moat_report_start(const struct moat_report *report);
MOAT_API int64_t moat_report_end(const struct moat_report *report);

/* How many departures from RFC 8460 the reader put up with. */
MOAT_API size_t moat_report_deviation_count(const struct moat_report *report);

MOAT_API size_t moat_report_policy_count(const struct moat_report *report);
MOAT_API const struct moat_report_policy *moat_report_policy(
	const struct moat_report *report, size_t i);
MOAT_API const struct moat_report_failure *moat_report_failure(
	const struct moat_report *report, size_t policy, size_t i);

#ifdef __cplusplus
}
#endif

#endif
