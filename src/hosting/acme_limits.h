/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_limits: the token buckets of acme_bucket.h, kept in the store. Other
 * CAs answer 429 where their limits are narrower; that is obeyed too.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/acme_bucket.h"

struct store;

/*
 * Is there a token left at the CA of directory? ST_OK: yes. ST_AGAIN: no,
 * *wait_s says for how long and err why. Else the store's status.
 */
enum status acme_limits_check(struct store *s, struct arena *a,
	struct str directory, enum acme_limit l, struct str key, int64_t now,
	int64_t *wait_s, struct err *e);

/* Takes a token, below zero too when the CA was asked all the same. */
enum status acme_limits_draw(struct store *s, struct arena *a,
	struct str directory, enum acme_limit l, struct str key, int64_t now,
	struct err *e);

/* Fills the bucket again: after a success ends a row of failures. */
enum status acme_limits_refill(struct store *s, struct arena *a,
	struct str directory, enum acme_limit l, struct str key, int64_t now,
	struct err *e);
