/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_recipient: whose report a mail from a mailbox is. An IMAP server does
 * not tell the envelope, so it is the first ID of a domain that the header
 * names at our report host: what the last mail server noted first
 * (Delivered-To, X-Original-To, Envelope-To), then To and Cc. Otherwise it is
 * for the mailbox's tenant, and the report says for which domain.
 *
 * A sender can write any of it, and no more than by mailing to that ID.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "store/store.h"

#define MAIL_RECIPIENT_LOOKUPS_MAX 50u /* of one mail */

struct mail_recipient_options {
	struct str host;   /* of IDs; empty: there are none */
	struct str tenant; /* only IDs of it count; empty: all, and what has
			      none is for the tenant default */
};

/*
 * *id: what the spool has as recipient, in a: an ID, or a tenant behind
 * LMTP_TENANT_MARK. Not ST_OK: the store's.
 */
enum status mail_recipient_find(struct store *s, struct arena *a,
	const struct mail_recipient_options *o, struct str mail, struct str *id,
	struct err *e);

/* "a@x.example": who sent it, by Return-Path; empty: it does not say. */
struct str mail_recipient_sender(struct str mail);
