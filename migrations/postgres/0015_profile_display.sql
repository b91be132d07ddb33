-- How people call a profile, and what the Twilio route is told of its limits; nodes that do not know the columns leave them.
ALTER TABLE profiles ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE profiles ADD COLUMN limit_notes TEXT NOT NULL DEFAULT '';
