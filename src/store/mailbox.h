/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: how far the mailboxes of the settings are read, how that goes, and
 * trials that somebody asked for. Shapes and statuses as in store.h.
 */
#pragma once

#include "store/store.h"

struct store_mailbox {
	struct str name;     /* of the section [mailbox NAME] */
	int64_t uidvalidity; /* of pending; 0: none */
	/* UIDs that are in the spool and still in the mailbox, as IMAP writes
	 * a sequence-set; empty: none. They are moved, not taken again. */
	struct str pending;
	int64_t tried, pulled; /* the last time, and the last that went well */
	int64_t failures;      /* in a row */
	int64_t taken;	       /* mails, since ever */
	int64_t left;	       /* mails that are too large, the last time */
	struct str error;      /* of the last time; empty: it went well */
};

enum status store_mailbox_put(
	struct store *s, const struct store_mailbox *m, struct err *e);
/* ST_NOTFOUND: nobody has looked into it yet. */
enum status store_mailbox_get(struct store *s, struct arena *a, struct str name,
	struct store_mailbox *out, struct err *e);

struct store_mailbox_trial {
	struct str name;
	int64_t asked, done; /* done < asked: it is still to be made */
	struct str error;    /* empty: all is well */
};

enum status store_mailbox_trial_put(
	struct store *s, const struct store_mailbox_trial *t, struct err *e);
/* ST_NOTFOUND: nobody has ever asked. */
enum status store_mailbox_trial_get(struct store *s, struct arena *a,
	struct str name, struct store_mailbox_trial *out, struct err *e);
