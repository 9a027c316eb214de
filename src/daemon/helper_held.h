/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper_held: has Postfix try held mail again, outside the sandbox: postqueue
 * is setgid, which a process with no_new_privs may not use. The helper is
 * forked before the role's sandbox closes, as the same user. It knows one word:
 * a domain, whose deferred messages it finds and releases one by one, without a
 * shell. A role that was taken over can make Postfix try mail earlier than it
 * would have, so often as the limits below say, and nothing else.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "outbound/queue_read.h"

struct helper_held;

#define HELPER_HELD_GAP_MS 10000   /* between two looks at the queue */
#define HELPER_HELD_PAUSE_MS 50	   /* between two messages */
#define HELPER_HELD_MESSAGES 10000 /* at most, for one look */
#define HELPER_HELD_DOMAINS 1000   /* for which one look is taken */

/* Forks the helper; where is copied by it. */
enum status helper_held_start(const struct queue_where *where,
	struct helper_held **out, struct err *e);

/*
 * Asks for a domain's held mail to be tried. Never waits. false: the helper is
 * gone, or has more to do than it can; or it is no domain name.
 */
bool helper_held_ask(struct helper_held *h, struct str domain);

/* Ends the helper; clears *h; NULL is allowed. */
void helper_held_stop(struct helper_held **h);
