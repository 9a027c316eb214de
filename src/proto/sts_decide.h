/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_decide: what a sending MTA should do with mail for a policy domain, from
 * what is known of its DANE (RFC 7672) and of its MTA-STS policy (RFC 8461).
 *
 * DANE comes first: where it can be used for all MX hosts, MTA-STS is silent
 * (RFC 8461 section 2). Trouble with DNSSEC defers mail, trouble with MTA-STS
 * never does, unless a policy is known (section 3.3).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/dane.h"
#include "proto/policy_domain.h"
#include "proto/sts_policy.h"
#include "proto/tlsrpt_report.h"

/* MX hosts that a match list names at most, the preferred ones first. */
#define STS_DECIDE_HOSTS_MAX 100u

/* What kind of answers an MTA wants, by the name of the socketmap it asks. */
enum sts_profile_kind {
	STS_PROFILE_STS,	/* Postfix from 3.4 at level dane, Sendmail */
	STS_PROFILE_STS_TLSRPT, /* the same for Postfix from 3.10 */
	STS_PROFILE_DANE_STS,	/* Postfix at level may: DANE is our business */
};

struct sts_profile {
	enum sts_profile_kind kind;
	/* Policies in testing are applied as if they were in enforce. */
	bool enforce_testing;
	/* TLSRPT attributes; always so with STS_PROFILE_STS_TLSRPT, never with
	 * STS_PROFILE_STS, whose readers do not know them. */
	bool tlsrpt;
	/* Have policies in testing, and failures to fetch one, reported. Needs
	 * tlsrpt. */
	bool visibility;
	/* The MTA has no DANE, so that MTA-STS alone decides: RFC 8461 section
	 * 2 binds only those who validate DANE. Not with STS_PROFILE_DANE_STS,
	 * whose answers are DANE's. */
	bool no_dane;
};

/* What the administrator has said about a policy domain. */
enum sts_rule {
	STS_RULE_NONE,
	STS_RULE_OFF,	  /* say nothing at all about it */
	STS_RULE_ENFORCE, /* a policy in testing counts as enforce */
	STS_RULE_TESTING, /* a policy in enforce counts as testing */
};

struct sts_decide_input {
	struct sts_profile profile;
	struct policy_domain domain;
	const struct dane_result *dane;
	/* The policy in force: fetched now, or cached and not expired (section
	 * 3.3), or pinned. NULL: none is known. */
	const struct sts_policy *policy;
	/* Without one: it was not yet found out whether there is one. */
	bool pending;
	/* The last try to fetch the policy failed with failure (one of
	 * TLSRPT_STS_...), although there is a valid TXT record. */
	bool failed;
	enum tlsrpt_result failure;
	enum sts_rule rule;
};

enum decision_action {
	DECISION_NOTFOUND,   /* the MTA does what it does by default */
	DECISION_TEMP,	     /* defer the mail */
	DECISION_SECURE,     /* authenticated TLS to a name of match */
	DECISION_DANE,	     /* DANE where there is some, else opportunistic */
	DECISION_DANE_ONLY,  /* DANE or nothing */
	DECISION_MAY_REPORT, /* opportunistic TLS, and a TLS report */
};

enum decision_why {
	DECISION_WHY_RULE_OFF,	  /* the administrator says so */
	DECISION_WHY_DANE,	  /* all MX hosts have usable TLSA records */
	DECISION_WHY_DANE_PART,	  /* some of them have TLSA records */
	DECISION_WHY_DANE_TEMP,	  /* nobody can tell whether there is DANE */
	DECISION_WHY_STS_ENFORCE, /* a policy in enforce, or counting as it */
	DECISION_WHY_STS_NO_MX,	  /* the same, and no MX host matches it */
	DECISION_WHY_STS_TESTING, /* a policy in testing, or counting as it */
	DECISION_WHY_STS_NONE,	  /* a policy with mode none */
	DECISION_WHY_STS_FAILED,  /* none was fetched, and there is a record */
	DECISION_WHY_STS_PENDING, /* it is still being looked for */
	DECISION_WHY_NO_POLICY,	  /* neither DANE nor MTA-STS */
	DECISION_WHY_NO_DOMAIN,	  /* the next hop is no policy domain */
};

struct decision {
	enum decision_action action;
	enum decision_why why;
	struct str domain;
	/* SECURE: names as Postfix's "match" takes them, a host name or
	 * ".suffix"; one at least. */
	struct str *match;
	size_t n_match;
	/* SECURE, MAY_REPORT: what is said for TLS reports, if anything. */
	bool tlsrpt;
	const struct sts_policy *policy; /* borrowed from the input, or NULL */
	struct str *patterns;		 /* of the policy, each once */
	size_t n_patterns;
	bool failed; /* MAY_REPORT: no policy was fetched */
	enum tlsrpt_result failure;
};

/*
 * Decides. The match list names the MX hosts that match the policy if they are
 * known and it has a wildcard, which MTAs would match at any depth; else its
 * patterns. Where no MX host matches, it has a name that nobody can have
 * (RFC 8461 section 5: mail must not be delivered then). out borrows from the
 * input and the arena. ST_LIMIT: memory.
 */
enum status sts_decide(struct arena *a, const struct sts_decide_input *in,
	struct decision *out);

/* A stable word, as "dane-temp", for logs and people. */
const char *decision_why_word(enum decision_why why);
