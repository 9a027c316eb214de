/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_grammar: what Postfix takes for smtp_tls_policy_maps, written from
 * its manual and sources and not from ours: a reply it does not take defers
 * mail, and one that it takes for something else sends mail astray.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

/* What a reply said, borrowed from it. */
struct postfix_policy {
	struct str level; /* empty: NOTFOUND or TEMP */
	struct str match, domain, failure;
	size_t n_match, n_patterns, n_lines;
	bool tlsrpt;
};

/*
 * Reads the content of a socketmap reply. ST_INVALID with a sentence in why:
 * Postfix would not take it; or it has a byte that no reply needs.
 */
enum status postfix_grammar(
	struct str content, struct postfix_policy *out, struct err *why);

/* How often item is in the match list, without case. */
size_t postfix_match_count(const struct postfix_policy *p, struct str item);
