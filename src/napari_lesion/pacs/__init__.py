"""Archives in a hospital: asked, fetched from, sent to by DIMSE and DICOMweb; and a service that receives studies.

Nothing here is imported by what works without an archive. The engines (pynetdicom, dicomweb-client) are an extra of the
package, and are imported when they are needed (`engines`).
"""
