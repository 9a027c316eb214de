/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_meaning: what the result types of RFC 8460 section 4.3 and the reason
 * codes that senders write beside them mean to the domain's owner: what
 * happened, whose side it is on, what to do, which checks would prove it. The
 * one catalogue for the command line, the API, mails and pages; docs/reports.md
 * has the same, a test compares.
 */
#pragma once

#include "proto/tlsrpt_report.h"

/* What failed: the policy, DANE, or the connection itself. */
enum tlsrpt_family {
	TLSRPT_FAMILY_OTHER,
	TLSRPT_FAMILY_STS,
	TLSRPT_FAMILY_DANE,
	TLSRPT_FAMILY_TRANSPORT,
	TLSRPT_FAMILIES,
};

/* "other", "sts", "dane", "transport". */
enum status tlsrpt_family_parse(struct str s, enum tlsrpt_family *out);
/* By the result type's name; unknown ones are TLSRPT_FAMILY_OTHER. */
enum tlsrpt_family tlsrpt_family_of(struct str result_type);

struct tlsrpt_meaning {
	const char *name;   /* the result type, or the reason's name */
	const char *what;   /* happened; a sentence */
	const char *side;   /* whose it is, as a few words */
	const char *todo;   /* a sentence */
	const char *checks; /* ids of docs/checks.md, with spaces */
};

/* Each result has one, TLSRPT_RESULT_OTHER too. */
const struct tlsrpt_meaning *tlsrpt_meaning_of(enum tlsrpt_result result);

/*
 * What a failure-reason-code says beyond its result type; NULL: nothing that
 * is known. Microsoft's and Google's codes, Postfix's sentences and OpenSSL's
 * texts are understood, whatever stands around them.
 */
const struct tlsrpt_meaning *tlsrpt_reason_of(struct str reason_code);

/* All reasons, for papers and tests; name == NULL ends them. */
extern const struct tlsrpt_meaning tlsrpt_reasons[];

/* What reports of a stretch of time say about one result type. */
struct tlsrpt_evidence {
	enum tlsrpt_result result;
	int64_t reporters;     /* organisations that met it */
	int64_t all_reporters; /* organisations that reported at all */
	int64_t sources;       /* sending MTAs that met it, 0 unknown */
	int64_t failed;	       /* sessions that met it */
	int64_t successful;    /* sessions that went well, of all reporters */
};

enum tlsrpt_verdict {
	TLSRPT_VERDICT_UNCLEAR,	  /* too little is known */
	TLSRPT_VERDICT_OURS,	  /* a fault of the receiving side */
	TLSRPT_VERDICT_PARTLY,	  /* of one of its hosts or addresses */
	TLSRPT_VERDICT_SENDER,	  /* of one sender, or on the way from it */
	TLSRPT_VERDICT_TAMPERING, /* somebody on the way may have a hand in */
	TLSRPT_VERDICTS,
};
enum tlsrpt_certainty {
	TLSRPT_CERTAINTY_NONE,
	TLSRPT_CERTAINTY_POSSIBLE,
	TLSRPT_CERTAINTY_LIKELY,
	TLSRPT_CERTAINTY_HIGH,
	TLSRPT_CERTAINTIES,
};

struct tlsrpt_judgement {
	enum tlsrpt_verdict verdict;
	enum tlsrpt_certainty certainty;
	const char *text; /* a sentence that says both */
};

struct tlsrpt_judgement tlsrpt_judge(const struct tlsrpt_evidence *v);

/* "unclear", "ours", "partly-ours", "sender", "tampering". */
const char *tlsrpt_verdict_name(enum tlsrpt_verdict verdict);
/* "none", "possible", "likely", "high". */
const char *tlsrpt_certainty_name(enum tlsrpt_certainty certainty);
