/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold_reason: is it TLS that a message waits for, and what would help? Told
 * by the words of Postfix (src/smtp and src/tls of 3.4 to 3.11), which stand in
 * the queue and in the log.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct hold_reason {
	const char *id;	    /* stable: "certificate", "starttls", ... */
	const char *text;   /* what it means */
	const char *remedy; /* what would help; see hold_reason_remedy */
	/* The words are said for other reasons too: it counts where a policy is
	 * in force. */
	bool only_with_policy;
};

/* NULL: the message waits for something else. */
const struct hold_reason *hold_reason_of(struct str delay_reason);

/* The remedy with the domain where it says DOMAIN, from the arena. */
struct str hold_reason_remedy(
	struct arena *a, const char *remedy, struct str domain);
