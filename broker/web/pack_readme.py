"""The words that every proof pack begins with."""

README = """\
YOUR PROOF PACK

This is everything that the access logs of your banks hold about you: each time
somebody asked for your data, each decision you took, and the proof that the log
says so. Keep it where others cannot read it: it names your accounts.

What is in it

pack.json      the list: the logs with their public keys, the permissions you
               gave with their terms, and the entries in their order
receipts/      one file for each entry. It holds the entry itself, its place in
               the log, and the log's signature (C2SP tlog-proof)
disclosures/   what an entry tells only by a digest: which accounts, which period,
               which fields. Whoever has the file can compare it with the entry
checkpoints/   the log as a whole when the pack was made, in one signed line each

How to check it, without asking us

    broker audit verify --pack proof-pack.zip --key KEY

It checks every signature, that each entry stands in its log where it should,
that your entries follow each other without a gap, and that all that is disclosed
is what the entries were made with. Each permission is held against the entry in
which you gave it ("grant.approved") or changed it ("grant.amended"): its disclosures
hold the terms and the notice you saw. A permission that you changed is listed once
for each version. Where that entry is not in the pack, the check says "listed, not
proved". A single receipt can be checked in a browser, at /receipts/verify on the
broker's own address.

KEY is the key of a log, one --key for each. The keys in pack.json come from us.
They are only as trustworthy as we are: ask each bank for the key of its log.

What may be missing

Your entries in one log are counted from 0 ("subjectSeq"), and each names the one
before it. If the database no longer holds one of them, pack.json says so under
"gaps". Nothing may ever be missing there; if something is, ask us why.

If your details were erased on your demand, whatever happened before is no longer
connected with you, for anybody: your entries begin again from 0 under another
pseudonym. The old entries still stand in the log, without a name. And a year that
is older than logs are kept is dropped as a whole, with its entries.
"""
