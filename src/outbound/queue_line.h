/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_line: one line of `postqueue -j`, a message in Postfix's queue as JSON
 * (postqueue(1), "JSON object format"). Senders and recipients are text of
 * strangers: an address without a policy domain is passed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/policy_domain.h"

#define QUEUE_LINE_BYTES_MAX (4u << 20)
#define QUEUE_ID_BYTES_MAX 64u
#define QUEUE_RECIPIENTS_MAX 10000u

struct queue_recipient {
	struct str domain; /* as host_name_parse gives it */
	struct str reason; /* why it waits, as Postfix says; may be empty */
};

struct queue_message {
	struct str id; /* letters and digits only */
	bool deferred; /* else in another queue: on its way, held, new */
	int64_t arrival;
	struct queue_recipient *recipients;
	size_t n;
	size_t passed_over; /* recipients without a policy domain */
};

/*
 * Everything lives in a. ST_INVALID: not JSON, or no message; ST_LIMIT: longer
 * than the caps above, or memory. to_ascii as in policy_domain_parse.
 */
enum status queue_line_parse(struct arena *a, struct str line,
	policy_domain_ascii *to_ascii, struct queue_message *out,
	struct err *e);

/*
 * Is one of the names that have to do with the recipient one that is asked for:
 * its domain, or a host that the reason names, as a smart host? Names are given
 * in lower case.
 */
bool queue_recipient_concerns(const struct queue_recipient *r,
	bool (*is)(const void *ctx, struct str name), const void *ctx);
