SELECT * FROM (SELECT * FROM hr.people ) q WHERE 1 = 0
SELECT "id", "name" FROM (SELECT * FROM hr.people ) q
SELECT * FROM (SELECT * FROM hr.people ) q WHERE 1 = 0
SELECT "id" FROM (SELECT * FROM hr.people ) q WHERE "seen" >= :param_1
SELECT "id" FROM (SELECT * FROM hr.people ) q WHERE "id" = :param_1 AND "name" = :param_2 AND ("seen" < :param_3 OR "seen" IS NULL)
SELECT to_char(hr.people.id, :to_char_1) AS c0, :param_1 AS c1, hr.people.name AS c2 FROM hr.people WHERE hr.people.name IS NOT NULL
SELECT to_char(hr.people.id, :to_char_1) AS c0, :param_1 AS c1, to_char(hr.people.id, :to_char_1) AS c2 FROM hr.people WHERE hr.people.id IS NOT NULL
SELECT to_char(hr.people.id, :to_char_1) AS c0, :param_1 AS c1, to_char(hr.people.id, :to_char_1) AS c2 FROM hr.people WHERE hr.people.id IN (SELECT q.id FROM (SELECT id, site FROM hr.people WHERE site = 'W' ) q)
SELECT to_char(hr.people.id, :to_char_1) AS c0, hr.people.site AS c1, :param_1 AS c2, hr.people.name AS c3 FROM hr.people WHERE hr.people.name IS NOT NULL
SELECT to_char(hr.people.id, :to_char_1) AS c0, hr.people.site AS c1, :param_1 AS c2, to_char(hr.people.id, :to_char_1) AS c3 FROM hr.people WHERE hr.people.id IS NOT NULL
SELECT to_char(hr.people.id, :to_char_1) AS c0, hr.people.site AS c1, :param_1 AS c2, to_char(hr.people.id, :to_char_1) AS c3 FROM hr.people WHERE EXISTS (SELECT :param_2 AS anon_1 FROM (SELECT id, site FROM hr.people WHERE site = 'W' ) q WHERE hr.people.id = q.id AND hr.people.site = q.site)
SELECT to_char(hr.people.id, :to_char_1) AS c0, :param_1 AS c1, hr.people.name AS c2, hr.people.notes AS c3, rawtohex(hr.people.photo) AS c4, to_char(hr.people.hired, :to_char_2) AS c5, to_char(sys_extract_utc(hr.people.seen), :to_char_3) AS c6, to_char(hr.people.pay, :to_char_4) AS c7, to_char(hr.people.at, :to_char_5) AS c8, to_char(hr.people."share", :to_char_6) AS c9 FROM hr.people WHERE hr.people.id = :placet_id_0_0 AND to_char(hr.people.id, :to_char_1) = :placet_id_0_0_text OR hr.people.id = :placet_id_1_0 AND to_char(hr.people.id, :to_char_1) = :placet_id_1_0_text
SELECT to_char(hr.people.id, :to_char_1) AS c0, :param_1 AS c1, to_char(hr.people.id, :to_char_1) AS c2 FROM hr.people WHERE hr.people.name = :placet_key_0_0
SELECT hr.placet_applied.change_number, hr.placet_applied.step FROM hr.placet_applied WHERE hr.placet_applied.run_id = :run_id_1 AND hr.placet_applied.change_number IN (__[POSTCOMPILE_change_number_1])
INSERT INTO hr.people (name, hired, notes) SELECT :placet_new_0 AS anon_1, :placet_new_1 AS anon_2, :placet_new_2 AS anon_3 FROM DUAL WHERE NOT (EXISTS (SELECT :param_1 AS anon_4 FROM hr.people WHERE hr.people.name = :placet_key_0))
INSERT INTO hr.placet_applied (run_id, change_number, step, entry_key) VALUES (:run_id, :change_number, :step, :entry_key)
UPDATE hr.people SET name=:placet_new_0 WHERE hr.people.id = :placet_id_0 AND to_char(hr.people.id, :to_char_1) = :placet_id_0_text AND hr.people.name = :placet_old_0 AND dbms_lob.compare(hr.people.notes, to_clob(:placet_old_1)) = 0 AND rawtohex(hr.people.photo) = :placet_old_2 AND to_char(hr.people.pay, :to_char_2) = :placet_old_3
INSERT INTO hr.placet_applied (run_id, change_number, step, entry_key) VALUES (:run_id, :change_number, :step, :entry_key)
DELETE FROM hr.people WHERE hr.people.id = :placet_id_0 AND to_char(hr.people.id, :to_char_1) = :placet_id_0_text AND (hr.people.name IS NULL OR hr.people.name = :placet_old_0) AND (hr.people.notes IS NULL OR dbms_lob.compare(hr.people.notes, to_clob(:placet_old_1)) = 0) AND hr.people.photo IS NULL AND hr.people.hired IS NULL AND hr.people.seen IS NULL AND hr.people.pay IS NULL AND hr.people.at IS NULL AND hr.people."share" IS NULL
INSERT INTO hr.placet_applied (run_id, change_number, step, entry_key) VALUES (:run_id, :change_number, :step, :entry_key)
CREATE TABLE hr.placet_applied ( run_id VARCHAR2(64 CHAR) NOT NULL, change_number INTEGER NOT NULL, step INTEGER NOT NULL, entry_key VARCHAR2(200 CHAR), at DATE DEFAULT CURRENT_TIMESTAMP NOT NULL, PRIMARY KEY (run_id, change_number, step) )
