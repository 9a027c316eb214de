/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_reply: a decision as a socketmap reply that Postfix takes for
 * smtp_tls_policy_maps, and Sendmail for its map sts.
 *
 * Nothing in it was chosen by a stranger but validated host names; the lines
 * of a policy are written anew from parsed values. The same decision always
 * gives the same bytes.
 */
#pragma once

#include "base/sbuf.h"
#include "base/status.h"
#include "proto/socketmap.h"
#include "proto/sts_decide.h"

/* A reply never reaches Postfix's limit. */
#define POSTFIX_REPLY_BYTES_MAX (SOCKETMAP_REPLY_BYTES_MAX - 1)

/*
 * Writes the content of the reply, POSTFIX_REPLY_BYTES_MAX bytes at most.
 * What would be longer goes without the lines of the policy, and if that is
 * not enough without any TLSRPT attribute: a policy of any legal size can be
 * applied. ST_LIMIT: b is too small or memory was used up.
 */
enum status postfix_reply_write(struct sbuf *b, const struct decision *d);
