-- The address to which an invitation was sent. Unlike `email`, it stays after the end: the mails to an address have a
-- bound, also if invitations are withdrawn and made again.
ALTER TABLE invitations ADD COLUMN sent_to bytea;
UPDATE invitations SET sent_to = email;
