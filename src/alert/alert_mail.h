/* SPDX-License-Identifier: Apache-2.0 */
/* alert_mail: a notice as a mail (RFC 5322), plain text in ASCII. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "proto/tlsrpt_digest.h"
#include "store/alert.h"

struct alert_mail {
	struct str from; /* address */
	const struct str *to;
	size_t n_to;
};

/*
 * Writes the message; al is NULL for a trial. The same notice always has the
 * same Message-ID. Aborts when memory is used up.
 */
struct str alert_mail_write(struct arena *a, const struct alert_mail *m,
	const struct store_notice *n, const struct store_alert *al,
	int64_t now);

/* The same with a digest. */
struct str alert_mail_digest(struct arena *a, const struct alert_mail *m,
	const struct store_notice *n, const struct tlsrpt_digest *d,
	int64_t now);
