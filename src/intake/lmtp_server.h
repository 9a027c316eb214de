/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp_server: takes report mail (RFC 8460 section 5.3) from a mail server by
 * LMTP (proto/lmtp.h) into the spool. It parses no mail. A recipient hears 250
 * only when the disk thread has made his copy durable; 452 when there is no
 * room or his hour's worth is used up; 550 when nobody has that address.
 *
 * Addresses: ID@HOST, with the ID of a domain in any case (looked up in the
 * view); or a mailbox of the settings, whose reports are told apart by the
 * policy domain in them, among those of its tenant (LMTP_TENANT_MARK). What
 * follows a "+" in the local part does not count. An address in UTF-8 (RFC
 * 6531) is somebody's if its domain's A-labels are.
 *
 * Quotas: whoever connects is our own mail server, so he is no source of mail
 * to be counted; and anybody can write any envelope sender, so that counting
 * its domain would let a stranger use up what google.com may send. A source
 * is the network from which our mail server had the mail, if it says so by
 * XFORWARD; it has a part of each recipient's hour at most (spool_quota.h).
 * If it does not, only recipients are counted, and how many mails one client
 * may hand in is the mail server's to limit.
 */
#pragma once

#include "base/clock.h"
#include "io/loop.h"
#include "io/spool.h"
#include "io/spool_quota.h"
#include "view/view.h"

/* Instead of a recipient ID the spool has this and a tenant: "@default". */
#define LMTP_TENANT_MARK '@'

#define LMTP_LISTENERS_MAX 16

struct lmtp_mailbox {
	struct str local, domain;
	struct str tenant;
};

struct lmtp_server_options {
	const char *host; /* of IDs, and our name; "": only mailboxes */
	const struct lmtp_mailbox *mailboxes; /* borrowed */
	size_t n_mailboxes;
	unsigned max_connections;
	int64_t command_ms; /* for the next command */
	int64_t message_ms; /* for a whole message */
	int64_t session_ms;
	uint64_t report_bytes; /* one message */
	uint64_t memory_bytes; /* all that are being received */
	struct spool_quota_limits per_id, per_client; /* see above */
};

/* What a running server uses; all borrowed. */
struct lmtp_server_parts {
	struct loop *loop;
	const struct clock *clock;
	struct view *view;
	struct spool *spool;
};

struct lmtp_server;

/*
 * "LOCAL@DOMAIN" or "LOCAL@DOMAIN=TENANT", borrowed from text; without a tenant
 * it is empty. false: it is neither.
 */
bool lmtp_mailbox_parse(struct str text, struct lmtp_mailbox *out);

/* Starts the disk thread: call it after the sandbox was entered. */
struct lmtp_server *lmtp_server_new(const struct lmtp_server_parts *parts,
	const struct lmtp_server_options *options);

/* Serves on a listening socket, which it takes over. */
void lmtp_server_listen(struct lmtp_server *s, int fd);

/* Ends all sessions, waits for the disk thread; clears *s; NULL is allowed. */
void lmtp_server_free(struct lmtp_server **s);
