/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox_pull: takes all mails of one folder of an IMAP server into the spool,
 * in the order of their UIDs, and then out of the folder.
 *
 * A mail leaves the folder only when it is durable in the spool. Between the
 * two its UID is noted as pending (store/mailbox.h), so that the next pull
 * moves it and does not take it again. A crash before that note has it taken
 * twice; the same bytes count once (digest.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "intake/mail_recipient.h"
#include "io/imap_client.h"
#include "io/spool.h"
#include "store/mailbox.h"

#define MAILBOX_MAILS_MAX 1000u /* of one pull; more wait for the next */

struct mailbox_options {
	struct str name;
	struct imap_client_options server;
	struct str folder;    /* that mails are taken from */
	struct str processed; /* where they go then, made when it is missing */
	bool remove;	      /* they are deleted instead */
	struct mail_recipient_options recipient;
	uint64_t max_bytes; /* of a mail; larger ones stay where they are */
	int64_t every_ms;   /* between two pulls */
};

/* All borrowed. */
struct mailbox_parts {
	struct store *store;
	struct spool *spool;
	const struct clock *clock;
};

struct mailbox_pulled {
	size_t taken;
	size_t left;	   /* too large */
	uint32_t left_uid; /* the last of them */
	bool more;	   /* there are others, for which there was no time,
			      or MAILBOX_MAILS_MAX before them */
};

/*
 * Pulls. row has what is pending, and gets it, also in the store; strings in
 * it are borrowed from a. *out counts what was done, also if not all was.
 * ST_LIMIT: the spool has no room. ST_PERM: the server refuses. ST_TEMP: all
 * else; err says what.
 */
enum status mailbox_pull(const struct mailbox_parts *parts,
	const struct mailbox_options *o, struct arena *a,
	struct store_mailbox *row, struct mailbox_pulled *out, struct err *e);

/* Logs in and looks at the folder; changes nothing. Statuses as above. */
enum status mailbox_try(const struct mailbox_options *o, struct err *e);
