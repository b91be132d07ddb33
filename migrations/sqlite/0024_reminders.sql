-- When the person got the last mail on its old password.
ALTER TABLE people ADD COLUMN password_told INTEGER;

-- The month and the size of the pool of which the owners know that most of it is used.
ALTER TABLE members ADD COLUMN pool_told TEXT;

-- A sign-in looks for invitations of one address in all tenants.
CREATE INDEX invitations_by_email ON invitations (email) WHERE email IS NOT NULL;
