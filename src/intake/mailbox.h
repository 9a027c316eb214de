/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: a mailbox of the settings over time: pulled every so often
 * (mailbox_pull.h), later and later while that fails, and tried when somebody
 * asks for it. What came of it stands in the store.
 */
#pragma once

#include "intake/mailbox_pull.h"

#define MAILBOX_RETRY_MIN_S 60
#define MAILBOX_RETRY_MAX_S 3600

struct mailbox;

/* Borrows both; the first pull is due at once. */
struct mailbox *mailbox_new(
	const struct mailbox_parts *parts, const struct mailbox_options *o);
void mailbox_free(struct mailbox **m);

/*
 * Does what is due, and waits for it. Not ST_OK: the store fails; trouble with
 * the mail server is noted there and logged once.
 */
enum status mailbox_step(struct mailbox *m, struct err *e);
